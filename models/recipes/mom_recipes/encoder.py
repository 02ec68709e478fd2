"""The sentence encoder: a six-layer MiniLM trunk with the heads of the flash family, in plain torch.

It exists so that training and export see one small graph: no dropout, one matrix for query, key and
value, token types folded into the position table (every text is of type zero). It reads the base
weights and its own checkpoints; it never downloads anything.
"""

import torch
from torch import nn
from torch.nn import functional as F

from . import GUARD, LABELS, TAGS, letters

HIDDEN, LAYERS, ATTENTION_HEADS, FEED_FORWARD = 384, 6, 12, 1536
LAYER_NORM_EPSILON = 1e-12
MIDDLE = 2  # the layer whose output the tags read beside the last


class Block(nn.Module):
    """One post-norm transformer layer; the residual stream stays fp32 under autocast."""

    def __init__(self):
        super().__init__()
        self.bits = None  # of a weight, while training is to feel what int8 will do
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.out = nn.Linear(HIDDEN, HIDDEN)
        self.attention_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPSILON)
        self.up = nn.Linear(HIDDEN, FEED_FORWARD)
        self.down = nn.Linear(FEED_FORWARD, HIDDEN)
        self.output_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPSILON)

    def forward(self, x, bias):
        """x [batch, tokens, 384] and an additive mask [batch, 1, 1, tokens] -> x of the same shape."""
        batch, tokens, _ = x.shape
        size = HIDDEN // ATTENTION_HEADS
        q, k, v = self.linear(self.qkv, x).view(batch, tokens, 3, ATTENTION_HEADS, size).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2)) * size**-0.5 + bias
        mixed = weights.softmax(-1).to(v.dtype) @ v
        mixed = mixed.transpose(1, 2).reshape(batch, tokens, HIDDEN)
        x = self.attention_norm(x + self.linear(self.out, mixed).to(x.dtype))
        return self.output_norm(x + self.linear(self.down, F.gelu(self.linear(self.up, x))).to(x.dtype))

    def linear(self, layer, x):
        """layer(x), or as the int8 graph will do it: a weight's scale is its output column's, an activation's its text's."""
        return layer(x) if self.bits is None else F.linear(rounded_input(x), rounded_weight(layer.weight, self.bits), layer.bias)


def rounded_weight(weight, bits):
    """weight [out, in] as it is after it was kept in so many bits; the gradient passes through."""
    top = 2 ** (bits - 1) - 1
    scale = weight.detach().abs().amax(1).clamp(min=1e-8) / top
    zero = torch.zeros(len(scale), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -top, top)


def rounded_input(x):
    """x [batch, tokens, features] as it is after each text's values were kept in eight bits over their range, zero in it."""
    x = x.float()
    low, high = x.detach().amin((1, 2)).clamp(max=0), x.detach().amax((1, 2)).clamp(min=0)
    scale = ((high - low) / 255).clamp(min=1e-8)
    return torch.fake_quantize_per_channel_affine(x, scale, (-low / scale).round().to(torch.int32), 0, 0, 255)


class Encoder(nn.Module):
    """Trunk and heads. run() is one pass of the trunk; each head reads what it left.

    pooled [batch, 768] is the mean beside an attention pool, tokens [batch, tokens, 768] is the last layer beside the third, whose
    word identity the last one has partly given up.
    """

    def __init__(self, vocabulary, positions):
        super().__init__()
        self.words = nn.Embedding(vocabulary, HIDDEN)
        self.positions = nn.Embedding(positions, HIDDEN)
        self.case = nn.Embedding(letters.CODES, HIDDEN)
        self.embedding_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPSILON)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.attend = nn.Linear(HIDDEN, 1)
        self.guard_attend = nn.Linear(HIDDEN, 1)
        self.domain = nn.Linear(2 * HIDDEN, len(LABELS))
        self.difficulty = nn.Linear(2 * HIDDEN, 1)
        self.guard_user = nn.Linear(2 * HIDDEN, len(GUARD))
        self.guard_document = nn.Linear(2 * HIDDEN, len(GUARD))
        self.pii = nn.Linear(2 * HIDDEN, len(TAGS))
        self.embedding = nn.Linear(2 * HIDDEN, HIDDEN)
        nn.init.zeros_(self.case.weight)  # the base knows nothing of case
        for table in (self.words, self.positions, self.embedding_norm):
            table.requires_grad_(False)
        for attend in (self.attend, self.guard_attend):
            nn.init.zeros_(attend.weight)
        nn.init.eye_(self.embedding.weight)  # the mean of the last layer as it is, nothing of the third's
        nn.init.zeros_(self.embedding.bias)

    def run(self, input_ids, attention_mask):
        """int64 ids, each with the code of its letters, and mask [batch, tokens] -> (last, middle, mask): float [batch, tokens, 384]
        twice and the mask as float."""
        x = self.words(input_ids & ((1 << letters.PLACE) - 1)) + self.case(input_ids >> letters.PLACE)
        x = x + self.positions.weight[: input_ids.shape[1]]
        x = self.embedding_norm(x)
        mask = attention_mask.to(x.dtype)
        bias = (mask[:, None, None, :] - 1.0) * 1e4
        middle = x
        for number, block in enumerate(self.blocks):
            x = block(x, bias)
            if number == MIDDLE:
                middle = x
        return x.float(), middle.float(), mask

    def mean(self, x, mask):
        return (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)

    def pool(self, x, mask, attend):
        """Mean beside the attention pool of one attend -> [batch, 768]."""
        attention = (attend(x).float().squeeze(-1) + (mask - 1.0) * 1e4).softmax(-1)
        return torch.cat([self.mean(x, mask), (x * attention[:, :, None]).sum(1)], -1)

    def domain_and_difficulty(self, x, mask):
        pooled = self.pool(x, mask, self.attend)
        return self.domain(pooled).float(), self.difficulty(pooled).float().squeeze(-1)

    def guards(self, x, mask):
        pooled = self.pool(x, mask, self.guard_attend)
        return self.guard_user(pooled).float(), self.guard_document(pooled).float()

    def tags(self, x, middle):
        return self.pii(torch.cat([x, middle], -1)).float()

    def embed(self, x, middle, mask):
        """The means of the last and the third layer, mixed -> [batch, 384] of length one."""
        return F.normalize(self.embedding(torch.cat([self.mean(x, mask), self.mean(middle, mask)], -1)).float(), dim=-1)


def from_base(tensors):
    """Builds the encoder from the base package's tensors (names as in BertModel); the heads start untrained."""
    words = tensors["embeddings.word_embeddings.weight"]
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    model = Encoder(words.shape[0], positions.shape[0])
    state = model.state_dict()
    state["words.weight"], state["positions.weight"] = words, positions
    for part in ("weight", "bias"):
        state[f"embedding_norm.{part}"] = tensors[f"embeddings.LayerNorm.{part}"]
        for i in range(LAYERS):
            old, new = f"encoder.layer.{i}.", f"blocks.{i}."
            heads = [tensors[f"{old}attention.self.{n}.{part}"] for n in ("query", "key", "value")]
            state[f"{new}qkv.{part}"] = torch.cat(heads)
            state[f"{new}out.{part}"] = tensors[f"{old}attention.output.dense.{part}"]
            state[f"{new}attention_norm.{part}"] = tensors[f"{old}attention.output.LayerNorm.{part}"]
            state[f"{new}up.{part}"] = tensors[f"{old}intermediate.dense.{part}"]
            state[f"{new}down.{part}"] = tensors[f"{old}output.dense.{part}"]
            state[f"{new}output_norm.{part}"] = tensors[f"{old}output.LayerNorm.{part}"]
    model.load_state_dict(state)
    return model


def continued(tensors, checkpoint):
    """The encoder of a checkpoint; heads that the checkpoint lacks start as in from_base."""
    model = from_base(tensors)
    missing, unexpected = model.load_state_dict(checkpoint, strict=False)
    if unexpected:
        raise SystemExit(f"checkpoint has unknown tensors: {unexpected[:3]}")
    if "guard_attend.weight" in missing:
        model.guard_attend.load_state_dict(model.attend.state_dict())
    return model
