"""Judges what is installed in the virtual machine: the Debian package through its whole life, with a reboot in it, an
installation by hand, and the one command that gives an ordinary user the keys.

It judges by dpkg, systemd, the kernel, and a device that calls from the host.
"""

import argparse
import asyncio
import json
import re
import sys
import traceback

import caller
from chapters import login
from guest import Guest
from judging import P, becomes, check, error_of

# What `systemd-analyze security` may say at most, of ten; 9.6 is a unit without any fence. What is left is the network,
# root's user id and the devices, which the daemon is for.
EXPOSURE = 2.2
# The longest an installation may take under emulation, on a machine that does other things as well.
INSTALLING = 180
# Where the sources are, with what was built of them.
SOURCES = "/opt/sources"
# Everything that is installed could be in one of these. Of dpkg itself and of systemd's own state the files change.
LISTED = (
    "find /etc /usr /var /lib /root /home -xdev \\( -path /var/lib/systemd -o -path /var/log -o -path /var/cache"
    " -o -path /var/tmp -o -name __pycache__ -o -name 'status-old' -o -name 'diversions-old' -o -name 'lock*'"
    " -o -name 'triggers' \\) -prune -o -print | LC_ALL=C sort"
)


async def as_root(guest, command):
    return await guest.run(command, who="root", within=INSTALLING)


async def is_so(guest, command, who="root"):
    """Whether a command ends with success."""
    try:
        await guest.run(command, who=who)
        return True
    except RuntimeError:
        return False


async def what_is_left(guest):
    """The files that are there now and were not at first, and the other way round."""
    return await as_root(guest, f"{LISTED} | diff /opt/before - | grep '^[<>]' || :")


async def configure(guest, file, port):
    """The caller is on the other side of QEMU's network and speaks plain WebSocket."""
    text = f"""
        [listen]
        tcp = ["0.0.0.0:{port}"]
        [compat]
        plain_devices = true
        [[components.gpio.line]]
        name = "lamp"
        line = "lamp"
        direction = "out"
    """
    lines = " ".join(f"'{line.strip()}'" for line in text.splitlines())
    await as_root(guest, f"mkdir -p $(dirname {file}) && printf '%s\\n' {lines} >{file}")


async def nobody_is_logged_in(guest):
    sessions = await as_root(guest, "loginctl list-sessions --no-legend")
    check(not sessions, f"nobody is logged in: {sessions}")


async def the_older_version_is_installed(guest, port):
    await guest.until(0, "agent", within=120)
    await as_root(guest, f"{LISTED} >/opt/before")
    await as_root(guest, "DEBIAN_FRONTEND=noninteractive dpkg -i /opt/old.deb")
    await becomes(lambda: is_so(guest, "systemctl is-active deskconnd"), "the package starts the service")
    check(await is_so(guest, "systemctl is-enabled deskconnd"), "and has it started at boot")
    check(not await is_so(guest, "systemctl --global is-enabled deskconnd"), "that of the user is not started beside it")
    await configure(guest, "/etc/deskconn/config.toml", port)
    await as_root(guest, "systemctl restart deskconnd")
    await nobody_is_logged_in(guest)
    session, key = await login.a_device_pairs_and_logs_in(guest, port, who="root")
    await session.leave()
    return key


async def the_device_is_known(port, key, when):
    session, welcome = await caller.join(port, key)
    check(welcome.authrole == login.ROLE, f"{when} the device is known as before")
    return session


async def an_upgrade_keeps_the_devices(guest, port, key):
    before = await as_root(guest, "systemctl show --value -p MainPID deskconnd")
    await as_root(guest, "DEBIAN_FRONTEND=noninteractive dpkg -i /opt/new.deb")
    version = (await as_root(guest, "dpkg-query -W -f '${Version}\\n' deskconn"))[0]
    check(version != "0.0.1-1", f"the package is upgraded to {version}")
    check(await as_root(guest, "systemctl show --value -p MainPID deskconnd") != before, "a new daemon runs")
    await (await the_device_is_known(port, key, "after an upgrade")).leave()


async def the_machine_is_started_anew(guest, agent, port, key):
    mark = guest.mark()
    guest.tell("root systemctl reboot")
    await guest.begun_anew(agent)
    await guest.until(mark, "agent", within=120)
    await becomes(lambda: is_so(guest, "systemctl is-active deskconnd"), "the service starts by itself", within=60)
    await nobody_is_logged_in(guest)
    session = await the_device_is_known(port, key, "after a reboot, before anybody has logged in,")
    check("linux" in str(await session.call(f"{P}host.get")).lower(), "and its calls are answered")
    return session


async def the_service_is_fenced_in(guest):
    pid = (await as_root(guest, "systemctl show --value -p MainPID deskconnd"))[0]
    profile = (await as_root(guest, f"cat /proc/{pid}/attr/current"))[0]
    check(profile == "deskconnd (enforce)", f"AppArmor enforces its profile: {profile}")
    capabilities = (await as_root(guest, f"awk '/^CapBnd/ {{print $2}}' /proc/{pid}/status"))[0]
    check(int(capabilities, 16) == 0, "it has no capability and can get none")
    last = (await as_root(guest, "systemd-analyze security --no-pager deskconnd.service"))[-1]
    figure = float(re.search(r"([0-9.]+) [A-Z]+", last).group(1))
    check(figure <= EXPOSURE, f"systemd-analyze security: {figure} of 10, where at most {EXPOSURE} is allowed")


async def keys_are_pressed(guest, session, what):
    async def it_types():
        return await error_of(session.call(f"{P}slides.blank")) == "no error but None"

    # The first call makes the keyboard; a device that was missing is looked for again at most once a second.
    await becomes(it_types, f"{what} the keyboard is made")
    await guest.watch("slides")
    mark = guest.mark()
    await session.call(f"{P}slides.next")
    seen = await guest.until(mark, "slides", enough=lambda seen: len(seen) >= 2)
    check(seen == ["KEY_PAGEDOWN 1", "KEY_PAGEDOWN 0"], f"{what} the kernel sees {seen}")


async def what_it_is_for_works_inside_the_fence(guest, session):
    await as_root(guest, "systemctl start presenter")
    await guest.ask("session", "session")
    await keys_are_pressed(guest, session, "from the service in its fence")
    await session.call(f"{P}host.get")
    await session.call(f"{P}gpio.set", "lamp", True)
    check(await as_root(guest, "cat /run/gpio-sim/lamp/value") == ["1"], "gpio.set drives the line of the simulator")
    denied = await as_root(guest, "dmesg | grep 'apparmor=.DENIED' | grep deskconnd || :")
    check(not denied, f"AppArmor had nothing to deny: {denied}")


async def the_journal_has_what_was_logged_with_its_fields(guest, port, key):
    place = "/run/systemd/system/deskconnd.service.d"
    # The service as it is for everybody else: only this machine leads its output to the test.
    await as_root(guest, f"mkdir -p {place} && printf '[Service]\\nStandardOutput=journal\\n' >{place}/zz.conf")
    await as_root(guest, "systemctl daemon-reload && systemctl restart deskconnd")
    session, welcome = await caller.join(port, key)
    await session.leave()
    asked = f"journalctl -u deskconnd -o json DESKCONN_AUTHID={welcome.authid} | grep joined"
    await becomes(lambda: is_so(guest, asked), "the journal finds an entry by the name of the device in it")
    entry = json.loads((await as_root(guest, asked))[-1])
    known = {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "deskconnd", "TARGET": "deskconn_router::session", "DESKCONN_ROLE": login.ROLE}
    fields = {name: entry.get(name) for name in known}
    check(fields == known, f"with its fields: {fields}")
    await as_root(guest, f"rm -r {place} && systemctl daemon-reload && systemctl restart deskconnd")


async def removed_it_keeps_the_devices_and_purged_nothing(guest):
    await as_root(guest, "dpkg -r deskconn")
    check(not await is_so(guest, "systemctl is-active deskconnd"), "removed, the service has ended")
    check(await is_so(guest, "test -e /var/lib/deskconn"), "and the keys are kept")
    check(not await is_so(guest, "grep '^deskconnd ' /sys/kernel/security/apparmor/profiles"), "its profile is unloaded")
    await as_root(guest, "dpkg -P deskconn")
    left = await what_is_left(guest)
    left += await as_root(guest, "find /var/cache /run -xdev -name '*deskconn*' ! -path '/run/udev/*' ! -name deskconnd.log")
    check(not left, f"purged, nothing is left: {left}")


async def by_hand_it_comes_and_goes(guest):
    await as_root(guest, f"{SOURCES}/packaging/install.sh install")
    check(await is_so(guest, "test -e /usr/local/share/man/man1/deskconnd.1.gz"), "make install: the manual")
    await as_root(guest, "systemctl enable --now deskconnd")
    check(await is_so(guest, "systemctl is-active deskconnd"), "the service below /usr/local runs")
    await as_root(guest, f"{SOURCES}/packaging/install.sh uninstall")
    check(not await is_so(guest, "systemctl is-active deskconnd"), "make uninstall ends it")
    await as_root(guest, "rm -r /etc/deskconn /var/lib/deskconn")
    left = await what_is_left(guest)
    check(not left, f"and nothing is left: {left}")


async def one_command_gives_an_ordinary_user_the_keys(guest, port):
    # Not even the node that stands for a module which is not loaded yet.
    await as_root(guest, "modprobe -r uinput; rm -f /dev/uinput")
    await configure(guest, "/home/presenter/.config/deskconn/config.toml", port)
    await as_root(guest, "chown -R presenter: /home/presenter; ln -s /opt/sources/target/release/deskconnctl /usr/bin/")
    mark = guest.mark()
    guest.tell(f"run exec {SOURCES}/target/release/deskconnd >>/run/deskconnd.log 2>&1")
    command = f"sudo {SOURCES}/packaging/uinput.sh"
    named = await guest.until(mark, "log", enough=lambda seen: any(command in line for line in seen))
    check(bool(named), f"the daemon of an ordinary user says: {command}")
    await guest.ask("daemon", "daemon")
    session, _ = await login.a_device_pairs_and_logs_in(guest, port)
    await as_root(guest, command.removeprefix("sudo "))

    async def can():
        return await is_so(guest, "test -w /dev/uinput", who="run")

    await becomes(can, "after that command the person may open /dev/uinput, without having logged in again")
    await keys_are_pressed(guest, session, "from the same daemon")


async def story(guest, agent, port):
    key = await the_older_version_is_installed(guest, port)
    await an_upgrade_keeps_the_devices(guest, port, key)
    session = await the_machine_is_started_anew(guest, f"{agent}.2", port, key)
    await the_service_is_fenced_in(guest)
    await what_it_is_for_works_inside_the_fence(guest, session)
    await session.leave()
    await the_journal_has_what_was_logged_with_its_fields(guest, port, key)
    await removed_it_keeps_the_devices_and_purged_nothing(guest)
    await by_hand_it_comes_and_goes(guest)
    await one_command_gives_an_ordinary_user_the_keys(guest, port)


async def judge(options):
    guest = await Guest.connect(f"{options.agent}.1")
    failed = 0
    try:
        await story(guest, options.agent, options.port)
    except Exception:
        traceback.print_exc()
        guest.tell("root dmesg | grep -i apparmor | tail; systemctl status --no-pager deskconnd | tail")
        await guest.until(guest.mark(), "root-exit")
        failed = 1
    guest.tell("exit 0")
    await guest.gone()
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agent", required=True, help="socket of the agent's port, up to the dot before how often the machine has begun")
    parser.add_argument("--port", type=int, required=True, help="the daemon's port, on both ends")
    sys.exit(asyncio.run(judge(parser.parse_args())))
