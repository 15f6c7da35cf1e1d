// A battery and a thermometer for the guest (ACPI specification, 10.2 and 11.4).
//
// Their registers are guest RAM that the kernel is told to leave alone (kernel
// argument memmap=64K$0x10000000), and the host writes them: 0x10002000 what the
// battery does (0 nothing, 1 discharging, 2 charging), +4 its rate in mW, +8 what
// is left in mWh of 50,000, +12 the temperature in tenths of a kelvin.
DefinitionBlock ("", "SSDT", 2, "DESKCN", "POWER", 1)
{
    Scope (\_SB)
    {
        OperationRegion (PWRR, SystemMemory, 0x10002000, 0x10)
        Field (PWRR, DWordAcc, NoLock, Preserve) { DOES, 32, RATE, 32, LEFT, 32, TEMP, 32 }

        Device (BAT0)
        {
            Name (_HID, EisaId ("PNP0C0A"))
            Name (_UID, 0)
            Method (_STA, 0, NotSerialized) { Return (0x1F) }
            // mW; design and last full capacity; rechargeable; voltage; warning and low; granularity; names.
            Method (_BIF, 0, NotSerialized)
            {
                Return (Package () { 0, 50000, 50000, 1, 12000, 5000, 2000, 1, 1, "guest", "1", "LION", "deskconn" })
            }
            Method (_BST, 0, Serialized)
            {
                Name (BST0, Package () { 0, 0, 0, 12000 })
                Store (DOES, Index (BST0, 0))
                Store (RATE, Index (BST0, 1))
                Store (LEFT, Index (BST0, 2))
                Return (BST0)
            }
        }
    }

    Scope (\_TZ)
    {
        ThermalZone (TZ0)
        {
            Method (_TMP, 0, NotSerialized) { Return (\_SB.TEMP) }
            Method (_CRT, 0, NotSerialized) { Return (4000) }
        }
    }
}
