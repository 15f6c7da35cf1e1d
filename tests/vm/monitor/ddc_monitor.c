// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A monitor that understands DDC/CI, on a bus of its own below the connector of
 * the guest's graphics card, as DisplayPort has them. It knows one control, the
 * brightness (VESA DDC/CI 1.1, chapter 4; MCCS 2.2, code 10h), which is also the
 * module's parameter, so that a test sees what it was told, and can turn it as
 * with the monitor's own buttons.
 */
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/pci.h>

#define DDC_CI 0x37

static int brightness = 75;
module_param(brightness, int, 0644);
/* How many sentences it does not answer from now on. */
static int deaf;
module_param(deaf, int, 0644);

static u8 asked;

static u8 checksum(u8 start, const u8 *bytes, int count)
{
	while (count--)
		start ^= *bytes++;
	return start;
}

static void hear(const struct i2c_msg *msg)
{
	/* From the host, its length, a question or an order; the last byte makes the sum with 6Eh zero. */
	if (msg->len < 5 || msg->buf[0] != 0x51 || checksum(0x6e, msg->buf, msg->len))
		return;
	if (msg->buf[1] == 0x82 && msg->buf[2] == 0x01)
		asked = msg->buf[3];
	if (msg->buf[1] == 0x84 && msg->buf[2] == 0x03 && msg->buf[3] == 0x10 && msg->len == 7)
		brightness = msg->buf[4] << 8 | msg->buf[5];
}

static void answer(struct i2c_msg *msg)
{
	u8 said[] = { 0x6e, 0x88, 0x02, asked != 0x10, asked, 0, 0, 100, brightness >> 8, brightness, 0 };

	said[10] = checksum(0x50, said, 10);
	memset(msg->buf, 0, msg->len);
	memcpy(msg->buf, said, min_t(int, msg->len, sizeof(said)));
}

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *msgs, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (msgs[i].addr != DDC_CI)
			return -ENXIO;
		if (deaf > 0) {
			deaf--;
			return -ENXIO;
		}
		if (msgs[i].flags & I2C_M_RD)
			answer(&msgs[i]);
		else
			hear(&msgs[i]);
	}
	return count;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C;
}

static const struct i2c_algorithm algorithm = {
	.master_xfer = transfer,
	.functionality = functionality,
};

static struct i2c_adapter adapter = {
	.owner = THIS_MODULE,
	.algo = &algorithm,
	.name = "DDC/CI monitor",
};

static int __init plug_in(void)
{
	struct pci_dev *vga = pci_get_class(PCI_CLASS_DISPLAY_VGA << 8, NULL);
	struct device *card, *connector = NULL;

	card = vga ? device_find_child_by_name(&vga->dev, "card0") : NULL;
	if (card)
		connector = device_find_child_by_name(card, "card0-Virtual-1");
	if (!connector)
		return -ENODEV;
	adapter.dev.parent = connector;
	return i2c_add_adapter(&adapter);
}
module_init(plug_in);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A monitor with DDC/CI for tests");
