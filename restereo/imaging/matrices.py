"""The coefficients of every anaglyph method in use.

Rows are output R, G, B; columns left R, G, B, right R, G, B.

* `FIXED`: the table of ffmpeg's `vf_stereo3d.c`, 16.16 integers on encoded values. Grey and half use BT.601
  luma, dubois is Dubois' CRT (red-cyan) or LCD matrix to three digits.
* `CRT`: W. Sanders, D. McAllister, "Producing anaglyphs from synthetic images", SPIE 5006, 2003.
* `LCD`, `GREEN_MAGENTA_LCD`, `AMBER_BLUE_LCD`: E. Dubois, 2009, for LCD screens, as in Bino, Dolphin and iw3.
* `ALT`: the variant found in mbrown1413's viewer.
* `WIMMER`: P. Wimmer, "Optimized anaglyphs", 3dtv.at: red is .7 G + .3 B of the left eye.
* `RENDEPTH`: A. Hernandez' shader (Rendepth, Citra), with its misprint -0.400822 for -0.0400822, because
  pictures were made with it; `RENDEPTH_GAMMA` is its display gamma per channel, as in Gaia Sky.

Left out, because no matrix describes it: the improved method of McAllister, Zhou and Sullivan (SPIE 7524,
2010; iw3's "wimmer2") adds .45 max(0, R - G) to green and .25 max(0, R - B) to blue before it mixes the eyes.
Left out as a misprint of little effect: green-magenta with +.065 for -.065 (old Dolphin, Gaia Sky).
"""

from typing import Final

Rows = tuple[tuple[float, ...], ...]
IntegerRows = tuple[tuple[int, ...], ...]

ONE: Final = 65536
"""1.0 in 16.16 fixed point."""

_Y = (19595, 38470, 7471)  # BT.601 luma: .299, .587, .114
_R, _G, _B, _NONE = (ONE, 0, 0), (0, ONE, 0), (0, 0, ONE), (0, 0, 0)

FIXED: dict[str, IntegerRows] = {
    "red-blue-grey": (_Y + _NONE, _NONE + _NONE, _NONE + _Y),
    "red-green-grey": (_Y + _NONE, _NONE + _Y, _NONE + _NONE),
    "red-cyan-grey": (_Y + _NONE, _NONE + _Y, _NONE + _Y),
    "red-cyan-half": (_Y + _NONE, _NONE + _G, _NONE + _B),
    "red-cyan-color": (_R + _NONE, _NONE + _G, _NONE + _B),
    "red-cyan-dubois": (
        (29884, 32768, 11534, -2818, -5767, -131),
        (-2621, -2490, -1049, 24773, 48103, -1180),
        (-983, -1376, -328, -4719, -7406, 80347),
    ),
    "green-magenta-grey": (_NONE + _Y, _Y + _NONE, _NONE + _Y),
    "green-magenta-half": (_NONE + _R, _Y + _NONE, _NONE + _B),
    "green-magenta-color": (_NONE + _R, _G + _NONE, _NONE + _B),
    "green-magenta-dubois": (
        (-4063, -10354, -2556, 34669, 46203, 1573),
        (18612, 43778, 9372, -1049, -983, -4260),
        (-983, -1769, 1376, 590, 4915, 61407),
    ),
    # ffmpeg puts the left eye into blue here (FFMPEG below has it so); amber left is what the name says.
    "amber-blue-grey": (_Y + _NONE, _Y + _NONE, _NONE + _Y),
    "amber-blue-half": (_R + _NONE, _G + _NONE, _NONE + _Y),
    "amber-blue-color": (_R + _NONE, _G + _NONE, _NONE + _B),
    "amber-blue-dubois": (
        (69599, -13435, 19595, -1048, -8061, -1114),
        (-1704, 59507, 4456, 393, 4063, -1114),
        (-2490, -11338, 1442, 6160, 12124, 59703),
    ),
}

CRT: Rows = (
    (0.4561, 0.500484, 0.176381, -0.0434706, -0.0879388, -0.00155529),
    (-0.0400822, -0.0378246, -0.0157589, 0.378476, 0.73364, -0.0184503),
    (-0.0152161, -0.0205971, -0.00546856, -0.0721527, -0.112961, 1.2264),
)
LCD: Rows = (
    (0.437, 0.449, 0.164, -0.011, -0.032, -0.007),
    (-0.062, -0.062, -0.024, 0.377, 0.761, 0.009),
    (-0.048, -0.05, -0.017, -0.026, -0.093, 1.234),
)
ALT: Rows = (
    (0.4155, 0.471, 0.167, -0.0109, -0.0365, -0.006),
    (-0.0458, -0.0484, -0.0258, 0.3756, 0.7333, 0.0111),
    (-0.0545, -0.0614, 0.0128, -0.0651, -0.1286, 1.2968),
)
GREEN_MAGENTA_LCD: Rows = (
    (-0.062, -0.158, -0.039, 0.529, 0.705, 0.024),
    (0.284, 0.668, 0.143, -0.016, -0.015, -0.065),
    (-0.015, -0.027, 0.021, 0.009, 0.075, 0.937),
)
AMBER_BLUE_LCD: Rows = (
    (1.062, -0.205, 0.299, -0.016, -0.123, -0.017),
    (-0.026, 0.908, 0.068, 0.006, 0.062, -0.017),
    (-0.038, -0.173, 0.022, 0.094, 0.185, 0.911),
)
WIMMER: Rows = (
    (0.0, 0.7, 0.3, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
)
RENDEPTH: Rows = (CRT[0], (-0.400822, *CRT[1][1:]), CRT[2])
RENDEPTH_GAMMA = (1.6, 0.8, 1.0)
