"""C3D: eight 3x3x3 convolutions, five max pools and three linear layers (Tran et al., ICCV 2015).

The names are those of the port DavideA/c3d-pytorch, whose weights these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from reportgen.errors import CardError, NetworkError

if TYPE_CHECKING:
    from reportgen.records.card import ModelCard

# Time, height and width that the first linear layer takes, behind 512 channels.
LAST_POOL = (1, 4, 4)


def _conv(inputs: int, outputs: int) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, kernel_size=3, padding=1)


class C3D(nn.Module):
    """Clips N 3 16 112 112 to logits N K; any size as far as the last convolution."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = _conv(3, 64)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool3d((1, 2, 2))
        self.conv2 = _conv(64, 128)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool3d(2)
        self.conv3a = _conv(128, 256)
        self.relu3a = nn.ReLU()
        self.conv3b = _conv(256, 256)
        self.relu3b = nn.ReLU()
        self.pool3 = nn.MaxPool3d(2)
        self.conv4a = _conv(256, 512)
        self.relu4a = nn.ReLU()
        self.conv4b = _conv(512, 512)
        self.relu4b = nn.ReLU()
        self.pool4 = nn.MaxPool3d(2)
        self.conv5a = _conv(512, 512)
        self.relu5a = nn.ReLU()
        self.conv5b = _conv(512, 512)
        self.relu5b = nn.ReLU()
        # Height and width are padded on both sides here, so that 7x7 becomes 4x4.
        self.pool5 = nn.MaxPool3d(2, padding=(0, 1, 1))
        self.fc6 = nn.Linear(8192, 4096)
        self.relu6 = nn.ReLU()
        self.drop6 = nn.Dropout(0.5)
        self.fc7 = nn.Linear(4096, 4096)
        self.relu7 = nn.ReLU()
        self.drop7 = nn.Dropout(0.5)
        self.fc8 = nn.Linear(4096, classes)

    def features(self, x: Tensor) -> Tensor:
        """Map clips N 3 T H W to the last convolution's map, N 512 T/8 H/16 W/16."""
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3a(self.conv3a(x))
        x = self.pool3(self.relu3b(self.conv3b(x)))
        x = self.relu4a(self.conv4a(x))
        x = self.pool4(self.relu4b(self.conv4b(x)))
        x = self.relu5a(self.conv5a(x))
        out: Tensor = self.relu5b(self.conv5b(x))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Map clips N 3 16 112 112 to logits N K; raises NetworkError for sizes that the classifier cannot take."""
        last = self.features(x)
        frames, height, width = last.shape[2:]
        if (frames // 2, height // 2 + 1, width // 2 + 1) != LAST_POOL:
            given = "x".join(map(str, x.shape[2:]))
            raise NetworkError(
                f"C3D's classifier takes clips of 16x112x112, not {given}: "
                "resize the clip, or ask only for convolutional layers."
            )
        last = self.pool5(last)
        hidden = self.drop6(self.relu6(self.fc6(last.flatten(1))))
        hidden = self.drop7(self.relu7(self.fc7(hidden)))
        logits: Tensor = self.fc8(hidden)
        return logits


def build(card: ModelCard) -> nn.Module:
    """Return the untrained network with the card's number of classes."""
    if card.classes is None:
        raise CardError(f"The card of {card.name} must state its number of classes.")
    return C3D(card.classes)
