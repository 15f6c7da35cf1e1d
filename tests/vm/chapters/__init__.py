"""What is proven in the virtual machine, a file for each part of it."""
