// An internal display for the guest: a panel below the VGA function, whose
// backlight the kernel's ACPI video driver offers as acpi_video0.
//
// The level is kept in guest RAM that the kernel is told to leave alone
// (kernel argument memmap=64K$0x10000000), so the host can read it from the
// file behind the guest's memory: 0x10001000 the level in percent, 0x10001004
// how often it was set. ACPI specification, appendix B (video extensions).
DefinitionBlock ("", "SSDT", 2, "DESKCN", "SCREEN", 1)
{
    External (\_SB.PCI0.S08, DeviceObj)     // QEMU's name for PCI slot 1

    Scope (\_SB.PCI0.S08)
    {
        OperationRegion (PANL, SystemMemory, 0x10001000, 0x08)
        Field (PANL, DWordAcc, NoLock, Preserve) { PERC, 32, SETS, 32 }

        Method (_DOS, 1) { }
        Method (_DOD, 0) { Return (Package () { 0x80010400 }) }

        Device (LCD0)
        {
            Name (_ADR, 0x0400)
            // First the levels on mains and on battery, then every level there is.
            Method (_BCL, 0) { Return (Package () { 100, 50, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100 }) }
            Method (_BCM, 1) { Store (Arg0, PERC) Increment (SETS) }
            Method (_BQC, 0) { Return (PERC) }
            Method (_DCS, 0) { Return (0x1F) }
            Method (_DSS, 1) { }
        }
    }
}
