"""Networks: authored and trained in torch, run by cars as ONNX."""

from vehicle.networks.bev import BevNet, Geometry
from vehicle.networks.bev_viewer import save_bev
from vehicle.networks.folder import NETWORKS
from vehicle.networks.hydranet import HydraNet
from vehicle.networks.network import Network, load_network
from vehicle.networks.occupancy import OccupancyTracker
from vehicle.networks.pixel_head import PixelHead

__all__ = [
    "NETWORKS",
    "BevNet",
    "Geometry",
    "HydraNet",
    "Network",
    "OccupancyTracker",
    "PixelHead",
    "load_network",
    "save_bev",
]
