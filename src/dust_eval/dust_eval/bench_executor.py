"""What the executor costs and how quickly it answers, its core alone and the node over DDS."""

from argparse import Namespace

from dust_executor import bench
from dust_start.domain import claimed_domain


def run(options: Namespace) -> None:
    """Print processor share and latency at 50 chunks a second.

    Raises:
        RuntimeError: The node did not come up.
    """
    with claimed_domain() as domain_id:
        bench.run(("core", "node"), seconds=options.seconds, domain_id=domain_id)
