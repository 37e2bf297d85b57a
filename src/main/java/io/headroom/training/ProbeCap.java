package io.headroom.training;

import io.headroom.memory.MemoryLimit;
import io.headroom.memory.Reading;

/** A cap on this process while a probe runs in it, unless there is one already. */
final class ProbeCap implements AutoCloseable {
    private final boolean holds;
    private final boolean own;

    private ProbeCap(boolean holds, boolean own) {
        this.holds = holds;
        this.own = own;
    }

    /** Allows seven eighths of the room, where the system can cap a process and that is enough for a cap. */
    static ProbeCap of(long roomBytes) {
        if (MemoryLimit.current().isPresent()) {
            return new ProbeCap(true, false);
        }
        long allowed = roomBytes / 8 * 7;
        if (!MemoryLimit.supported() || allowed < MemoryLimit.SLACK || allowed > Long.MAX_VALUE / 4) {
            return new ProbeCap(false, false);
        }
        MemoryLimit.measure(Reading.now().rss().orElse(0) + allowed);
        return new ProbeCap(true, true);
    }

    boolean holds() {
        return holds;
    }

    @Override
    public void close() {
        if (own) {
            MemoryLimit.lift();
        }
    }
}
