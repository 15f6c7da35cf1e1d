//! The backends on real D-Bus daemons and real files: private buses with mocks
//! of logind and the screen savers, and a directory laid out as sysfs is. What
//! needs a kernel of its own (uinput, a real backlight, a real logind) is in
//! `tests/vm`.

#[cfg(test)]
mod battery;
#[cfg(test)]
mod brightness;
#[cfg(test)]
mod displays;
#[cfg(test)]
mod keyboard;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod locker;
#[cfg(test)]
mod media;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod power;
#[cfg(test)]
mod seat;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod url;
#[cfg(test)]
mod volume;
