"""Writes a presentation: a PDF whose pages have one colour each."""

import sys

# What the emulated VGA begins with: the viewer's window covers most of it, and the pointer, so it gets the keys.
WIDTH, HEIGHT = 1280, 800
# As a screen shows them, in hexadecimal digits.
COLOURS = ["cc0000", "00aa00", "0000dd"]


def pdf():
    """The whole file (ISO 32000-1, 7.5)."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(COLOURS)))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(COLOURS)} >>"]
    for n, colour in enumerate(COLOURS):
        parts = " ".join(f"{byte / 255:.4f}" for byte in bytes.fromhex(colour))
        fill = f"{parts} rg 0 0 {WIDTH} {HEIGHT} re f"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {4 + 2 * n} 0 R /Resources << >> >>"
        )
        objects.append(f"<< /Length {len(fill)} >>\nstream\n{fill}\nendstream")
    text, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(text)}\n%%EOF\n"
    return text + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}"


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write(pdf())
