package io.headroom.oom;

/** A "Process 1246069 has 577.00 MiB memory in use" clause; inside a container it may be the failing process itself. */
public record GpuProcess(long pid, Size inUse) {}
