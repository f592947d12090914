"""Trains the token classifier note-identifiers and writes it as ONNX.

    /usr/bin/python3 ai-operations/training/notes-train.py --data DIR --from DIR --out DIR

--data: what notes-prepare.ts wrote; --from: the version of the model from which training goes on (model.onnx and vocabulary.json).
PyTorch 1.13 on a CPU; the same data, start and seed give the same weights on the same machine.
"""
import argparse
import json
import os
import time

# Threads that wait must not keep others from working.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

SEED = 20261125
FEATURES = 6
# Values and width of the columns after the vocabulary: prefix, suffix, long suffix, shape, lists (features.ts).
COLUMNS = [(2048, 12), (2048, 12), (4096, 12), (512, 16), (128, 12)]
WORD_WIDTH = 32
CHANNELS = 96
WINDOW = 192
BATCH = 32
EPOCHS = 1
RATE = 2.5e-3
# A missed identifier costs more than a word too many.
WEIGHT_OF_IDENTIFIERS = 1.6


class Tagger(nn.Module):
    """Embeddings of the features side by side, four convolutions over the neighbours, one score per label."""

    def __init__(self, words, labels):
        super().__init__()
        sizes = [(words, WORD_WIDTH)] + COLUMNS
        self.tables = nn.ModuleList([nn.Embedding(count, width) for count, width in sizes])
        width = sum(w for _, w in sizes)
        self.first = nn.Conv1d(width, CHANNELS, 5, padding=2)
        self.second = nn.Conv1d(CHANNELS, CHANNELS, 5, padding=4, dilation=2)
        self.third = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=4, dilation=4)
        self.fourth = nn.Conv1d(CHANNELS, CHANNELS, 3, padding=8, dilation=8)
        self.last = nn.Conv1d(CHANNELS, labels, 1)
        self.drop = nn.Dropout(0.15)

    def forward(self, features):
        columns = [table(features[:, :, i]) for i, table in enumerate(self.tables)]
        x = self.drop(torch.cat(columns, dim=2)).transpose(1, 2)
        x = torch.relu(self.first(x))
        x = x + torch.relu(self.second(self.drop(x)))
        x = x + torch.relu(self.third(self.drop(x)))
        x = x + torch.relu(self.fourth(self.drop(x)))
        return torch.softmax(self.last(x), dim=1) if not self.training else self.last(x)


def load(folder, name):
    features = np.fromfile(os.path.join(folder, name + ".features"), dtype=np.int32).reshape(-1, FEATURES)
    labels = np.fromfile(os.path.join(folder, name + ".labels"), dtype=np.uint8)
    return torch.from_numpy(features.astype(np.int64)), torch.from_numpy(labels.astype(np.int64))


def blurred(batch, generator):
    """Forgets words and lists here and there, so that neither alone decides."""
    batch = batch.clone()
    forget = torch.rand(batch.shape[:2], generator=generator) < 0.08
    batch[:, :, 0][forget] = 1
    forget = torch.rand(batch.shape[:2], generator=generator) < 0.08
    batch[:, :, 5][forget] = batch[:, :, 5][forget] // 32 * 32
    for column in (1, 2, 3):
        forget = torch.rand(batch.shape[:2], generator=generator) < 0.08
        batch[:, :, column][forget] = 0
    return batch


def figures(model, features, labels):
    model.eval()
    with torch.no_grad():
        probabilities = model(features.unsqueeze(0))[0]
    found = probabilities[0] < 0.5
    real = labels != 0
    hit = (found & real).sum().item()
    return {"recall": round(hit / real.sum().item(), 4), "precision": round(hit / found.sum().item(), 4)}


def write(model, folder):
    """The weights of this epoch as ONNX."""
    os.makedirs(folder, exist_ok=True)
    model.eval()
    example = torch.ones(1, 32, FEATURES, dtype=torch.int64).to(torch.int32)
    torch.onnx.export(model, (example,), os.path.join(folder, "model.onnx"), opset_version=14,
                      input_names=["features"], output_names=["labels"],
                      dynamic_axes={"features": {0: "texts", 1: "tokens"}, "labels": {0: "texts", 2: "tokens"}})


def start_from(model, folder, words):
    """Takes the weights of an earlier version: of each word that both know, and of everything of the same form."""
    stored = onnx.load(os.path.join(folder, "model.onnx")).graph.initializer
    earlier = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in stored}
    with open(os.path.join(folder, "vocabulary.json"), encoding="utf8") as file:
        rows = {word: row + 2 for row, word in enumerate(json.load(file)["vocabulary"])}
    taken = 0
    with torch.no_grad():
        for name, own in model.named_parameters():
            if name == "tables.0.weight":
                own[:2] = earlier[name][:2]
                for row, word in enumerate(words):
                    own[row + 2] = earlier[name][rows.get(word, 1)] if word in rows else own[row + 2] * 0.1 + earlier[name][1]
                taken += 1
            elif name in earlier and earlier[name].shape == own.shape:
                own.copy_(earlier[name])
                taken += 1
        # What is new must not drown what is known.
        model.fourth.weight.mul_(0.1)
    return taken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--from", dest="earlier", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    generator = torch.Generator().manual_seed(SEED)
    with open(os.path.join(arguments.data, "vocabulary.json"), encoding="utf8") as file:
        stored = json.load(file)
    features, labels = load(arguments.data, "training")
    held_features, held_labels = load(arguments.data, "development")
    model = Tagger(len(stored["vocabulary"]) + 2, len(stored["labels"]))
    print(json.dumps({"tensors": start_from(model, arguments.earlier, stored["vocabulary"])}), flush=True)
    weights = torch.full((len(stored["labels"]),), WEIGHT_OF_IDENTIFIERS)
    weights[0] = 1.0
    loss_of = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.02)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-3)
    windows = len(labels) // WINDOW
    steps = EPOCHS * (windows // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=steps + EPOCHS)
    started = time.time()
    for epoch in range(EPOCHS):
        model.train()
        offset = int(torch.randint(0, WINDOW, (1,), generator=generator))
        count = (len(labels) - offset) // WINDOW
        x = features[offset:offset + count * WINDOW].view(count, WINDOW, FEATURES)
        y = labels[offset:offset + count * WINDOW].view(count, WINDOW)
        order = torch.randperm(count, generator=generator)
        for at in range(0, count - BATCH, BATCH):
            chosen = order[at:at + BATCH]
            optimizer.zero_grad()
            loss = loss_of(model(blurred(x[chosen], generator)), y[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            if at // BATCH % 50 == 0:
                print(json.dumps({"step": at // BATCH, "seconds": round(time.time() - started), "loss": round(loss.item(), 4)}), flush=True)
        print(json.dumps({"epoch": epoch, "seconds": round(time.time() - started), "loss": round(loss.item(), 4),
                          **figures(model, held_features, held_labels)}), flush=True)
        write(model, arguments.out)


main()
