"""KDE as far as the extension reaches it, by dbusmock on the session bus of the environment: a panel and a monitor of 10,000
steps, and a screen that locks.

usage: kde.py        then lines on standard input, each answered by one of JSON: the percents, how often each was set, `locked`
           show
           panel 70      somebody moves KDE's slider of the panel; `monitor` is the other display
"""

import json
import subprocess
import sys

import dbus
import dbusmock

NAME = "org.kde.ScreenBrightness"
PATH = "/org/kde/ScreenBrightness"
DISPLAY = "org.kde.ScreenBrightness.Display"
STEPS = 10_000
SAVER = "org.freedesktop.ScreenSaver"
SAVER_PATH = "/ScreenSaver"
DISPLAYS = {"panel": ("Panel", True, 40), "monitor": ("Monitor", False, 20)}


def begin(bus):
    """Starts it; gives its process."""
    server = dbusmock.DBusTestCase.spawn_server(NAME, PATH, NAME, stdout=subprocess.DEVNULL)
    dbusmock.DBusTestCase.wait_for_bus_object(NAME, PATH)
    service = dbus.Interface(bus.get_object(NAME, PATH), dbusmock.MOCK_IFACE)
    for name, (label, is_internal, percent) in DISPLAYS.items():
        properties = {
            "Label": label,
            "IsInternal": is_internal,
            "Brightness": dbus.Int32(percent * STEPS // 100),
            "MaxBrightness": dbus.Int32(STEPS),
        }
        code = f"self.UpdateProperties('{DISPLAY}', {{'Brightness': dbus.Int32(args[0])}})"
        service.AddObject(f"{PATH}/{name}", DISPLAY, properties, [("SetBrightness", "iu", "", code)])
    service.AddProperty(NAME, "DisplaysDBusNames", dbus.Array(list(DISPLAYS), signature="s"))
    return server


def begin_saver(bus):
    """Starts what locks; gives its process."""
    server = dbusmock.DBusTestCase.spawn_server(SAVER, SAVER_PATH, SAVER, stdout=subprocess.DEVNULL)
    dbusmock.DBusTestCase.wait_for_bus_object(SAVER, SAVER_PATH)
    saver = dbus.Interface(bus.get_object(SAVER, SAVER_PATH), dbusmock.MOCK_IFACE)
    saver.AddMethod(SAVER, "Lock", "", "", "self.locked = True; self.EmitSignal('', 'ActiveChanged', 'b', [True])")
    saver.AddMethod(SAVER, "GetActive", "", "b", "ret = getattr(self, 'locked', False)")
    return server


def show(bus):
    state = {"locked": bool(bus.get_object(SAVER, SAVER_PATH).GetActive(dbus_interface=SAVER))}
    for name in DISPLAYS:
        display = bus.get_object(NAME, f"{PATH}/{name}")
        value = display.Get(DISPLAY, "Brightness", dbus_interface=dbus.PROPERTIES_IFACE)
        calls = display.GetMethodCalls("SetBrightness", dbus_interface=dbusmock.MOCK_IFACE)
        state[name] = {"percent": int(value) * 100 // STEPS, "sets": len(calls)}
    return state


def main():
    bus = dbus.SessionBus()
    servers = [begin(bus), begin_saver(bus)]
    try:
        print(json.dumps(show(bus)), flush=True)
        for line in sys.stdin:
            name, *percent = line.split()
            if percent:
                changed = {"Brightness": dbus.Int32(int(percent[0]) * STEPS // 100)}
                display = bus.get_object(NAME, f"{PATH}/{name}")
                display.UpdateProperties(DISPLAY, changed, dbus_interface=dbusmock.MOCK_IFACE)
            print(json.dumps(show(bus)), flush=True)
    finally:
        for server in servers:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
