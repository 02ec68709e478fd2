"""The sentence encoder: a six-layer MiniLM trunk with a domain head, in plain torch.

It exists so that training and export see one small graph: no dropout, one matrix for query, key and
value, token types folded into the position table (every text is of type zero). It reads the base
weights and its own checkpoints; it never downloads anything.
"""

import torch
from torch import nn
from torch.nn import functional as F

HIDDEN, LAYERS, ATTENTION_HEADS, FEED_FORWARD = 384, 6, 12, 1536
LAYER_NORM_EPSILON = 1e-12


class Block(nn.Module):
    """One post-norm transformer layer; the residual stream stays fp32 under autocast."""

    def __init__(self):
        super().__init__()
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
        q, k, v = self.qkv(x).view(batch, tokens, 3, ATTENTION_HEADS, size).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2)) * size**-0.5 + bias
        mixed = weights.softmax(-1).to(v.dtype) @ v
        mixed = mixed.transpose(1, 2).reshape(batch, tokens, HIDDEN)
        x = self.attention_norm(x + self.out(mixed).to(x.dtype))
        return self.output_norm(x + self.down(F.gelu(self.up(x))).to(x.dtype))


class Encoder(nn.Module):
    """Trunk and head: (input_ids, attention_mask), both int64 [batch, tokens] -> logits [batch, labels]."""

    def __init__(self, vocabulary, positions, labels):
        super().__init__()
        self.words = nn.Embedding(vocabulary, HIDDEN)
        self.positions = nn.Embedding(positions, HIDDEN)
        self.embedding_norm = nn.LayerNorm(HIDDEN, eps=LAYER_NORM_EPSILON)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.attend = nn.Linear(HIDDEN, 1)
        self.domain = nn.Linear(2 * HIDDEN, labels)
        for table in (self.words, self.positions, self.embedding_norm):
            table.requires_grad_(False)
        nn.init.zeros_(self.attend.weight)

    def forward(self, input_ids, attention_mask):
        x = self.words(input_ids) + self.positions.weight[: input_ids.shape[1]]
        x = self.embedding_norm(x)
        mask = attention_mask.to(x.dtype)
        bias = (mask[:, None, None, :] - 1.0) * 1e4
        for block in self.blocks:
            x = block(x, bias)
        x = x.float()
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        attention = (self.attend(x).float().squeeze(-1) + (mask - 1.0) * 1e4).softmax(-1)
        attended = (x * attention[:, :, None]).sum(1)
        return self.domain(torch.cat([mean, attended], -1)).float()


def from_base(tensors, labels):
    """Builds the encoder from the base package's tensors (names as in BertModel); the head starts untrained."""
    words = tensors["embeddings.word_embeddings.weight"]
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    model = Encoder(words.shape[0], positions.shape[0], labels)
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
