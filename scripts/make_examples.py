"""Make the example pictures in ``assets/examples``.

    nice -n 10 python -m scripts.make_examples [name ...]

Every picture is computed from signed distance fields and noise in ``scripts/examples``; nothing is photographed or
downloaded, so the pictures are ours to give away.
"""

import argparse
import logging
import time
from collections.abc import Callable
from pathlib import Path

from scripts.examples import things, toys
from scripts.examples.render import SIZE_PX, Scene, photograph

LOGGER = logging.getLogger(__name__)

FOLDER = Path(__file__).parents[1] / "assets" / "examples"
JPEG_QUALITY = 90

SCENES: dict[str, Callable[[], Scene]] = {
    "apple": things.apple,
    "cactus": toys.cactus,
    "chair": things.chair,
    "doughnut": toys.doughnut,
    "duck": things.duck,
    "mug": things.mug,
    "robot": toys.robot,
    "sailboat": toys.sailboat,
}


def main() -> None:
    """Render the scenes named on the command line, or all."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which to make, all if none: {', '.join(SCENES)}")
    parser.add_argument("--size", type=int, default=SIZE_PX, help="side in pixels, a multiple of 64")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SCENES):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(SCENES):
        if arguments.names and name not in arguments.names:
            continue
        start = time.perf_counter()
        path = arguments.folder / f"{name}.jpg"
        photograph(SCENES[name], seed, arguments.size).save(path, quality=JPEG_QUALITY, optimize=True)
        LOGGER.info("%s: %.0f s, %d KB", path.name, time.perf_counter() - start, path.stat().st_size // 1024)


if __name__ == "__main__":
    main()
