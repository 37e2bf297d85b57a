package io.headroom.workload.step;

/** One block of memory and how many hold it. */
final class Storage {
    final long id;
    final long bytes;
    final Kind kind;
    private int holders = 1;

    Storage(long id, long bytes, Kind kind) {
        this.id = id;
        this.bytes = bytes;
        this.kind = kind;
    }

    Storage hold() {
        holders++;
        return this;
    }

    boolean drop() {
        return --holders == 0;
    }

    boolean isShared() {
        return holders > 1;
    }
}
