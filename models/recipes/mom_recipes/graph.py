"""Builds the served ONNX graph from a checkpoint, node by node, in fp32 or in int8.

Built by hand so that every quantised weight is chosen here: word table with one scale a row, matrices with one scale an output
column, activations scaled at run time, norms and heads in fp32. Weights keep to 7 bits when asked: on x86 CPUs without VNNI,
the 8-bit product of two pairs overflows 16 bits and the answer would depend on the machine.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import GUARD, LABELS, MAX_TOKENS
from .encoder import ATTENTION_HEADS, HIDDEN, LAYER_NORM_EPSILON, LAYERS, MIDDLE

BITS = 7  # of a matrix weight in the graph that ships
RANKS = 3  # tags of a token that leave the graph, the likeliest first; the way through a text chooses among them
INPUTS = ("input_ids", "attention_mask", "letter_case")
OPSET = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]


class Graph:
    """Nodes and initialisers in the making; every method returns the name of what it computes."""

    def __init__(self, weights, bits, whole):
        self.weights, self.bits, self.left = weights, bits, whole
        self.nodes, self.initializers = [], []

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, name, outputs=1, **attributes):
        names = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return name if outputs == 1 else names

    def rows(self, name, ids):
        """Gathers rows of a table, kept as int8 with one scale a row when quantised."""
        table = self.weights[name + ".weight"]
        if self.bits is None:
            return self.node("Gather", [self.constant(name, table), ids], name + "_rows")
        scale = np.maximum(np.abs(table).max(1, keepdims=True), 1e-8) / 127
        small = self.constant(name, np.rint(table / scale).astype(np.int8))
        scales = self.constant(name + "_scale", scale.astype(np.float32))
        whole = self.node("Cast", [self.node("Gather", [small, ids], name + "_int8")], name + "_float", to=TensorProto.FLOAT)
        return self.node("Mul", [whole, self.node("Gather", [scales, ids], name + "_scales")], name + "_rows")

    def linear(self, name, x):
        """x @ W^T + b, as an integer product when quantised and not left whole."""
        matrix, bias = self.weights[name + ".weight"].T, self.constant(name + "_bias", self.weights[name + ".bias"])
        if self.bits is None or name.startswith(self.left):
            product = self.node("MatMul", [x, self.constant(name, matrix)], name + "_product")
        else:
            top = 2 ** (self.bits - 1) - 1
            scale = np.maximum(np.abs(matrix).max(0), 1e-8) / top
            small = self.constant(name, np.rint(matrix / scale).astype(np.int8))
            scales = self.constant(name + "_scale", scale.astype(np.float32))
            zero = self.constant(name + "_zero", np.zeros(matrix.shape[1], np.int8))
            q, q_scale, q_zero = self.node("DynamicQuantizeLinear", [x], name + "_in", outputs=3)
            whole = self.node("MatMulInteger", [q, small, q_zero, zero], name + "_int32")
            whole = self.node("Cast", [whole], name + "_float", to=TensorProto.FLOAT)
            product = self.node("Mul", [whole, self.node("Mul", [q_scale, scales], name + "_scales")], name + "_product")
        return self.node("Add", [product, bias], name + "_sum")

    def norm(self, name, x):
        scale = self.constant(name + "_gain", self.weights[name + ".weight"])
        bias = self.constant(name + "_shift", self.weights[name + ".bias"])
        return self.node("LayerNormalization", [x, scale, bias], name + "_out", axis=-1, epsilon=LAYER_NORM_EPSILON)

    def block(self, i, x, mask):
        """One layer; mask is int32 [batch, tokens]."""
        at = f"blocks.{i}."
        q, k, v = self.node("Split", [self.linear(at + "qkv", x)], at + "split", outputs=3, axis=-1, num_outputs=3)
        mixed = self.node(
            "MultiHeadAttention", [q, k, v, "", mask], at + "mixed", domain="com.microsoft", num_heads=ATTENTION_HEADS
        )
        x = self.norm(at + "attention_norm", self.node("Add", [x, self.linear(at + "out", mixed)], at + "skip"))
        inner = self.node("Gelu", [self.linear(at + "up", x)], at + "gelu")
        return self.norm(at + "output_norm", self.node("Add", [x, self.linear(at + "down", inner)], at + "leave"))

    def dense(self, name, x, out):
        """x @ W^T + b in fp32, under the output's own name."""
        product = self.node("MatMul", [x, self.constant(name + "_matrix", self.weights[name + ".weight"].T)], name + "_product")
        return self.node("Add", [product, self.constant(name + "_offset", self.weights[name + ".bias"])], out)

    def mean(self, x, mask):
        """(mean of x over the tokens of mask [batch, 384], the mask as a float column [batch, tokens, 1])."""
        mask = self.node("Cast", [mask], "mask_float", to=TensorProto.FLOAT)
        one, two = self.constant("axis_1", np.array([1])), self.constant("axis_2", np.array([2]))
        column = self.node("Unsqueeze", [mask, two], "mask_column")
        total = self.node("ReduceSum", [self.node("Mul", [x, column], "masked"), one], "total", keepdims=0)
        return self.node("Div", [total, self.node("ReduceSum", [mask, one], "count", keepdims=1)], "mean"), column

    def pool(self, name, x, mean, away):
        """The mean beside the attention pool of one attend -> [batch, 768]; away is far below zero where the mask is 0."""
        score = self.node("MatMul", [x, self.constant(name, self.weights[name + ".weight"].T)], name + "_score")
        share = self.node("Softmax", [self.node("Add", [score, away], name + "_masked")], name + "_share", axis=1)
        shared = self.node("Mul", [x, share], name + "_shared")
        attended = self.node("ReduceSum", [shared, "axis_1"], name + "_attended", keepdims=0)
        return self.node("Concat", [mean, attended], name + "_pooled", axis=-1)

    def heads(self, x, middle, mask):
        """The outputs of every head the checkpoint holds, as (name, element type, shape)."""
        outputs = []

        def leave(name, kind, *shape):
            outputs.append(helper.make_tensor_value_info(name, kind, ["batch", *shape]))

        mean, column = self.mean(x, mask)
        absent = self.node("Sub", [column, self.constant("unit", np.float32(1))], "absent")
        away = self.node("Mul", [absent, self.constant("far", np.float32(1e4))], "away")
        pooled = self.pool("attend", x, mean, away)
        self.dense("domain", pooled, "domain")
        leave("domain", TensorProto.FLOAT, len(LABELS))
        if "difficulty.weight" in self.weights:
            self.dense("difficulty", pooled, "difficulty")
            leave("difficulty", TensorProto.FLOAT, 1)
        if "guard_attend.weight" in self.weights:
            pooled = self.pool("guard_attend", x, mean, away)
            for name in ("guard_user", "guard_document"):
                self.dense(name, pooled, name)
                leave(name, TensorProto.FLOAT, len(GUARD))
        if "pii.weight" in self.weights:
            both = self.node("Concat", [x, middle], "token_features", axis=-1)
            chance = self.node("Softmax", [self.dense("pii", both, "pii_logits")], "pii_chance", axis=-1)
            self.nodes.append(
                helper.make_node("TopK", [chance, self.constant("ranks", np.array([RANKS]))], ["pii_score", "pii_tag"], name="pii_ranked")
            )
            leave("pii_tag", TensorProto.INT64, "tokens", RANKS)
            leave("pii_score", TensorProto.FLOAT, "tokens", RANKS)
        if "embedding.weight" in self.weights:
            low = self.node("ReduceSum", [self.node("Mul", [middle, column], "middle_masked"), "axis_1"], "middle_total", keepdims=0)
            low = self.node("Div", [low, "count"], "middle_mean")
            vector = self.dense("embedding", self.node("Concat", [mean, low], "means", axis=-1), "vector")
            self.node("LpNormalization", [vector], "embedding", axis=-1, p=2)
            leave("embedding", TensorProto.FLOAT, HIDDEN)
        return outputs


def build(weights, bits=None, whole=()):
    """The graph as an onnx model: int64 input_ids, attention_mask and letter_case [batch, tokens] -> the outputs of the heads it holds:

    float32 domain [batch, 14], difficulty [batch, 1] (logit of the share of models that fail), guard_user and guard_document
    [batch, 3], embedding [batch, 384] of length one; of each token int64 pii_tag (numbers in TAGS of the RANKS likeliest) and
    float32 pii_score, their probabilities, [batch, tokens, RANKS].

    weights maps the checkpoint's names to arrays; bits is None for fp32, else the bits of a matrix weight (7 or 8); matrices whose
    name starts with a member of whole stay fp32. At most MAX_TOKENS tokens: a longer input is a run-time error, never a silent cut.
    """
    g = Graph(weights, bits, tuple(whole))
    mask = g.node("Cast", ["attention_mask"], "mask_int32", to=TensorProto.INT32)
    length = g.node("Shape", ["input_ids"], "length", start=1, end=2)
    table = g.constant("positions", weights["positions.weight"][:MAX_TOKENS])
    places = g.node("Slice", [table, g.constant("from", np.array([0])), length, g.constant("axis_0", np.array([0]))], "places")
    case = g.node("Gather", [g.constant("case", weights["case.weight"]), "letter_case"], "case_rows")
    x = g.node("Add", [g.node("Add", [g.rows("words", "input_ids"), case], "cased"), places], "embedded")
    x = g.norm("embedding_norm", x)
    middle = x
    for i in range(LAYERS):
        x = g.block(i, x, mask)
        middle = x if i == MIDDLE else middle
    outputs = g.heads(x, middle, mask)
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        g.nodes,
        "mom-flash",
        [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in INPUTS],
        outputs,
        g.initializers,
    )
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=10, producer_name="mom_recipes")
    onnx.checker.check_model(model)
    assert weights["words.weight"].shape[1] == HIDDEN
    return model
