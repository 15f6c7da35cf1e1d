"""Who sits at the machine, told to a mock of logind.

usage: seat.py add NAME UID ACTIVE | front NAME OTHER | leave NAME
"""

import sys

import dbus

LOGIND = "org.freedesktop.login1"
SESSION = LOGIND + ".Session"
MOCK = "org.freedesktop.DBus.Mock"
bus = dbus.SystemBus()


def change(name, is_active):
    session = bus.get_object(LOGIND, f"/org/freedesktop/login1/session/{name}")
    session.UpdateProperties(SESSION, {"Active": dbus.Boolean(is_active)}, dbus_interface=MOCK)


command, name, *rest = sys.argv[1:]
if command == "add":
    manager = bus.get_object(LOGIND, "/org/freedesktop/login1")
    uid, is_active = int(rest[0]), rest[1] == "1"
    manager.AddSession(name, "seat0", dbus.UInt32(uid), name, is_active, dbus_interface=MOCK)
elif command == "front":
    # As logind does it: one goes before the other comes.
    change(rest[0], False)
    change(name, True)
elif command == "leave":
    change(name, False)
else:
    sys.exit(__doc__)
