"""The peer of `lrcli train experiments/linear.yaml`: the script that a reader of a textbook writes."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def synthetic_data(w, b, count):
    """y = X w + b + noise."""
    features = torch.normal(0, 1, (count, len(w)))
    labels = features @ w.reshape(-1, 1) + b
    return features, labels + torch.normal(0, 0.01, labels.shape)


true_w, true_b = torch.tensor([2.0, -3.4]), 4.2
features, labels = synthetic_data(true_w, true_b, 1000)
val_features, val_labels = synthetic_data(true_w, true_b, 1000)
loader = DataLoader(TensorDataset(features, labels), batch_size=32, shuffle=True)

model = nn.Linear(2, 1)
nn.init.normal_(model.weight, std=0.01)
nn.init.zeros_(model.bias)
mse = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.03)

for epoch in range(1, 4):
    for x, y in loader:
        loss = mse(model(x), y) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        train_loss = mse(model(features), labels) / 2
        val_loss = mse(model(val_features), val_labels) / 2
    print(f"epoch {epoch}, train loss {train_loss:f}, val loss {val_loss:f}")

print(f"error in estimating w: {(true_w - model.weight.detach().reshape(true_w.shape)).tolist()}")
print(f"error in estimating b: {(true_b - model.bias.detach()).tolist()}")
