// A GPIO controller for the guest: the kernel's driver gpio-amdpt binds to
// AMDIF030 and makes a chip of eight lines of it.
//
// Its registers are guest RAM that the kernel is told to leave alone (kernel
// argument memmap=64K$0x10000000), so the host is the hardware behind it: +0 says
// which lines are outputs, +4 what the inputs read, +8 what the outputs drive.
DefinitionBlock ("", "SSDT", 2, "DESKCN", "GPIO", 1)
{
    Scope (\_SB)
    {
        Device (GPT0)
        {
            Name (_HID, "AMDIF030")
            Name (_UID, 0)
            Name (_CRS, ResourceTemplate () { Memory32Fixed (ReadWrite, 0x10000000, 0x1000) })
            Method (_STA, 0, NotSerialized) { Return (0x0F) }
        }
    }
}
