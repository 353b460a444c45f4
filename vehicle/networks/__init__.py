"""Networks: authored and trained in torch, run by cars as ONNX."""

from vehicle.networks.folder import NETWORKS
from vehicle.networks.hydranet import HydraNet
from vehicle.networks.network import Network, load_network

__all__ = ["NETWORKS", "HydraNet", "Network", "load_network"]
