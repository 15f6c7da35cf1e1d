# The machine that run.sh and package/run.sh boot, read by both.
#
# machine AGENT KERNEL-ARGUMENTS QEMU-ARGUMENTS…
#   becomes QEMU, so call it in the background; AGENT is the socket of the guest's agent. What else it needs are the variables of
#   its callers: cache, limit_s, memory_mb, port, work.
#
# No KVM even where /dev/kvm opens: a host that is itself a guest may offer one that cannot run a stock kernel. restrict=on: the
# guest reaches nothing but this test.
machine() {
    agent=$1 kernel=$2
    shift 2
    exec timeout "$limit_s" qemu-system-x86_64 \
        -accel tcg,thread=multi -smp 2 -m "$memory_mb" -nodefaults -display none -no-reboot \
        -device VGA,addr=1 -device isa-debug-exit,iobase=0x501,iosize=1 -serial file:"$work/console" \
        -device virtio-serial-pci -chardev socket,id=agent,path="$agent",server=on,wait=off \
        -device virtserialport,chardev=agent,name=deskconn \
        -netdev user,id=net,restrict=on,"hostfwd=tcp:127.0.0.1:$port-:$port" \
        -device virtio-net-pci,netdev=net,romfile= \
        -kernel "$cache/vmlinuz" -initrd "$work/initrd" \
        -append "console=ttyS0 quiet panic=-1 systemd.show_status=0 mitigations=off nokaslr tsc=reliable no_timer_check $kernel" \
        "$@"
}
