"""Writes the tiny graphs and the tokenizer that the tests of classifiers/onnx load.

    pip install onnx==1.23.2 tokenizers==0.23.3
    python make.py

A good graph sums one row of three numbers a token: "integral" speaks for the first class, "court" for the second, every other token for
none. heads has an output for every task; cased counts tokens by the case of their letters. The other graphs have one fault each.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "models" / "recipes"))
from mom_recipes import letters  # noqa: E402 the codes that the graphs of models/ were trained on
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,?!'()[]"
WORDS = ["integral", "court", "the", "of", "word"]


def vocabulary():
    tokens = SPECIAL + list(CHARACTERS) + ["##" + c for c in CHARACTERS if c.isalnum()] + WORDS
    return {token: i for i, token in enumerate(tokens)}


def tokenizer(vocab):
    """A BERT tokenizer with the truncation and the padding that sentence-transformers models are published with."""
    tok = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece()
    tok.add_special_tokens(SPECIAL)
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(t, vocab[t]) for t in ("[CLS]", "[SEP]")])
    tok.enable_truncation(max_length=128)
    tok.enable_padding(length=128, pad_id=vocab["[PAD]"], pad_token="[PAD]")
    return tok


def graph(name, vocab, *, ids="input_ids", dtype=TensorProto.INT64, rows=None, classes=3, width=3, output="domain", tail=(), last="sum",
          extra=(), inputs=2, out_type=TensorProto.FLOAT, more=(), head=(), row=None):
    """Head, embed, mask, sum over the tokens, then tail."""
    table = np.zeros((rows or len(vocab), width), np.float32)
    if not rows:
        table[vocab["integral"], 0] = 4
        table[vocab["court"], 1] = 4
    shape = ["batch", "tokens"]
    values = [helper.make_tensor_value_info(ids, dtype, shape),
              helper.make_tensor_value_info("attention_mask", TensorProto.INT64, shape)][:inputs]
    nodes = [*head, helper.make_node("Gather", ["table", row or ids], ["rows"])]
    if inputs == 2:
        nodes += [helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
                  helper.make_node("Unsqueeze", ["mask", "two"], ["mask3"]),
                  helper.make_node("Mul", ["rows", "mask3"], ["seen"])]
    nodes += [helper.make_node("ReduceSum", ["seen" if inputs == 2 else "rows", "one"], ["sum"], keepdims=0)]
    nodes += [*tail, helper.make_node("Identity", [last], [output])]
    constants = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1], np.int64), "one"),
                 numpy_helper.from_array(np.array([2], np.int64), "two"), *extra]
    g = helper.make_graph(nodes, name, values, [helper.make_tensor_value_info(output, out_type, ["batch", classes]), *more], constants)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="testdata/make.py")
    onnx.checker.check_model(model)
    (HERE / f"{name}.onnx").write_bytes(model.SerializeToString())


def scalar(name, value, dtype):
    return numpy_helper.from_array(np.array(value, dtype), name)


def loop(turns):
    """Nodes and constants that take the cosine of the sum so many times for each token beyond twenty."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["cond_in"], ["cond_out"]), helper.make_node("Cos", ["x_in"], ["x_out"])], "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("cond_in", TensorProto.BOOL, []),
         helper.make_tensor_value_info("x_in", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("cond_out", TensorProto.BOOL, []), helper.make_tensor_value_info("x_out", TensorProto.FLOAT, [None, 3])])
    tail = [helper.make_node("Shape", ["input_ids"], ["shape"]), helper.make_node("Gather", ["shape", "index1"], ["length"]),
            helper.make_node("Sub", ["length", "twenty"], ["beyond"]), helper.make_node("Max", ["beyond", "zero"], ["positive"]),
            helper.make_node("Mul", ["positive", "million"], ["turns"]),
            helper.make_node("Loop", ["turns", "yes", "sum"], ["looped"], body=body)]
    extra = [scalar("index1", 1, np.int64), scalar("twenty", 20, np.int64), scalar("zero", 0, np.int64),
             scalar("million", turns, np.int64), scalar("yes", True, np.bool_)]
    return tail, extra


def slow(vocab):
    """One pass over more than twenty tokens takes minutes: a loop of a hundred million turns a token beyond them."""
    tail, extra = loop(100_000_000)
    graph("slow", vocab, tail=tail, last="looped", extra=extra)


def picky(vocab):
    """slow, but a pass over "court" fails at once: its row is not in the table."""
    tail, extra = loop(100_000_000)
    rows = np.arange(len(vocab), dtype=np.int64)
    rows[vocab["court"]] = 1_000_000
    graph("picky", vocab, tail=tail, last="looped", extra=[*extra, numpy_helper.from_array(rows, "row_of")],
          head=[helper.make_node("Gather", ["row_of", "input_ids"], ["row"])], row="row")


def heads(vocab):
    """An output for every task beside domain, which takes some tenths of a second for each token beyond twenty.

    difficulty and the second numbers of user and document grow with "court", the first numbers with "integral"; a document's second number is
    2 higher. A token's tag is that of its word: 1 and 2 for "court" and "integral", 3 and 4 for "word" and "of"; its score is 0.9, 0.7, 0.8 or
    0.6, else 0.5, and a thousandth for each token before it.
    """
    tail, extra = loop(100_000)
    tags, scores = np.zeros(len(vocab), np.int64), np.full(len(vocab), 0.5, np.float32)
    for word, tag, score in (("court", 1, 0.9), ("integral", 2, 0.7), ("word", 3, 0.8), ("of", 4, 0.6)):
        tags[vocab[word]], scores[vocab[word]] = tag, score
    pair, third = np.eye(3, 2, dtype=np.float32), np.array([[0, 0, 1]], np.float32)
    constants = {"tags": tags, "scores": scores, "pair": pair, "court_only": pair[:, 1:], "third": third,
                 "suspicion": np.array([[0, 2]], np.float32), "thousandth": np.array(0.001, np.float32)}
    tail += [helper.make_node("MatMul", ["sum", "court_only"], ["difficulty"]),
             helper.make_node("MatMul", ["sum", "pair"], ["user"]), helper.make_node("Add", ["user", "suspicion"], ["document"]),
             helper.make_node("Gather", ["tags", "input_ids"], ["tag"]), helper.make_node("Gather", ["scores", "input_ids"], ["base"]),
             helper.make_node("CumSum", ["mask", "one"], ["before"], exclusive=1),
             helper.make_node("Mul", ["before", "thousandth"], ["grown"]), helper.make_node("Add", ["base", "grown"], ["score"]),
             helper.make_node("Add", ["sum", "third"], ["vector"])]
    extra += [numpy_helper.from_array(value, name) for name, value in constants.items()]
    more = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
            for name, width in (("difficulty", 1), ("user", 2), ("document", 2), ("score", "tokens"), ("vector", 3))]
    more.append(helper.make_tensor_value_info("tag", TensorProto.INT64, ["batch", "tokens"]))
    graph("heads", vocab, tail=tail, last="looped", extra=extra, more=more)


def cased(vocab):
    """Capitals speak for the first class, tokens in capitals for the second, mixed ones for the third; the words say nothing."""
    shape = ["batch", "tokens"]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("input_ids", "attention_mask", "letter_case")]
    table = np.zeros((letters.CODES, 3), np.float32)
    for column, code in enumerate((letters.CAPITAL, letters.UPPER, letters.MIXED)):
        table[code, column] = 4
    nodes = [helper.make_node("Gather", ["table", "letter_case"], ["rows"]), helper.make_node("Gather", ["nothing", "input_ids"], ["words"]),
             helper.make_node("Add", ["rows", "words"], ["both"]),
             helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT), helper.make_node("Unsqueeze", ["mask", "two"], ["mask3"]),
             helper.make_node("Mul", ["both", "mask3"], ["seen"]), helper.make_node("ReduceSum", ["seen", "one"], ["domain"], keepdims=0)]
    constants = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.zeros((len(vocab), 3), np.float32), "nothing"),
                 numpy_helper.from_array(np.array([1], np.int64), "one"), numpy_helper.from_array(np.array([2], np.int64), "two")]
    g = helper.make_graph(nodes, "cased", inputs, [helper.make_tensor_value_info("domain", TensorProto.FLOAT, ["batch", 3])], constants)
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name="testdata/make.py")
    onnx.checker.check_model(model)
    (HERE / "cased.onnx").write_bytes(model.SerializeToString())


def main():
    vocab = vocabulary()
    tok = tokenizer(vocab)
    (HERE / "tokenizer.json").write_text(json.dumps(json.loads(tok.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")

    graph("good", vocab)
    graph("ids_only", vocab, inputs=1)
    graph("input_name", vocab, ids="tokens")
    graph("output_name", vocab, output="topic")
    graph("int32", vocab, dtype=TensorProto.INT32)
    graph("four_classes", vocab, classes=4, width=4)
    # As many classes as the text has tokens, up to three: nothing that can be known at load.
    graph("open_classes", vocab, classes="labels", last="cut", extra=[numpy_helper.from_array(np.array([n], np.int64), f"index{n}") for n in (0, 1)],
          tail=[helper.make_node("Shape", ["input_ids"], ["shape"]), helper.make_node("Gather", ["shape", "index1"], ["tokens_now"]),
                helper.make_node("Slice", ["sum", "index0", "tokens_now", "one"], ["cut"])])
    graph("two_rows", vocab, tail=[helper.make_node("Concat", ["sum", "sum"], ["both"], axis=0)], last="both")
    graph("small_vocabulary", vocab, rows=8)
    # "court" makes the logits infinite, "integral" makes them no number: exp(4 * 100) and its difference with itself.
    hundred = scalar("hundred", 100, np.float32)
    graph("infinite", vocab, tail=[helper.make_node("Mul", ["sum", "hundred"], ["big"]), helper.make_node("Exp", ["big"], ["exp"])],
          last="exp", extra=[hundred])
    graph("not_a_number", vocab, tail=[helper.make_node("Mul", ["sum", "hundred"], ["big"]), helper.make_node("Exp", ["big"], ["exp"]),
                                       helper.make_node("Sub", ["exp", "exp"], ["none"])], last="none", extra=[hundred])
    slow(vocab)
    picky(vocab)
    heads(vocab)
    cased(vocab)

    # What the Python tokenizers make of texts, special tokens included: the binding must agree.
    plain = tokenizer(vocab)
    plain.no_truncation()
    plain.no_padding()
    plain.encode_special_tokens = True
    texts = ["", "The integral of the word.", "court\x00integral", "a\ufffdb", "[SEP] court [CLS]", "naïve café ÄÖ", "日本語 \U0001f600", "x" * 101,
             "tabs\tand\nlines\r\n", "The COURT of WoRd, a I. OF2 2OF", "İstanbul ÉCOLE Éa ǅ ﬁ ß Ⅷ ⓐ 東京 Ωμ", "a\u0301E\u0301 d'Of (THE)"]
    golden = [{"text": t, "ids": plain.encode(t).ids, "cased": letters.encode(plain, [t])[0].ids} for t in texts]
    (HERE / "golden.json").write_text("[\n" + ",\n".join(json.dumps(g) for g in golden) + "\n]\n")


if __name__ == "__main__":
    main()
