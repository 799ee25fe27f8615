"""Draw the pictures of README.md with the library itself: python docs/make_stills.py (half a minute)."""

import asyncio
import pathlib

from simviz import live
from simviz.dynamics.systems import VanDerPol

panel = live.LearnPanel(VanDerPol())
panel.player.start()
asyncio.run(panel.player.done())
print(panel.still(str(pathlib.Path(__file__).with_name("first_light.png"))))
