package io.headroom;

import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.Situation;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Kernels;
import io.headroom.memory.Limit;
import io.headroom.memory.LiveArrays;
import io.headroom.memory.MemoryLimit;
import io.headroom.memory.Reading;
import io.headroom.oom.Log;
import io.headroom.units.Bytes;
import java.util.Optional;

/** Explains failures with what this notebook knows beside the message. */
final class Failures {
    private Failures() {}

    /** A text from anywhere: what this process has and may use says nothing about it. */
    static Explanation explain(Log log) {
        return explain(log, Situation.unknown().in(kernel()));
    }

    /** Something thrown in this process. */
    static Explanation explain(Throwable thrown) {
        return explain(Log.read(thrown), situation());
    }

    private static Explanation explain(Log log, Situation situation) {
        return new Explanation(Diagnosis.of(log, situation), log.nearMisses());
    }

    /** A cell that failed, just now: the process has its peak still in its books. */
    static Explanation explain(FailedCell cell) {
        Situation situation = situation().code(cell.code());
        Reading now = Reading.now();
        long highest = now.process().peak().orElse(now.rss().orElse(0));
        if (highest > 0) {
            situation = situation.process(MemoryLimit.current()
                    .map(cap -> Math.min(highest, cap.bytes()))
                    .orElse(highest));
        }
        return explain(Log.read(cell.failure().text()), situation);
    }

    private static Situation situation() {
        Situation situation = Situation.unknown().in(kernel());
        Reading now = Reading.now();
        Optional<MemoryLimit> cap = MemoryLimit.current();
        Optional<Limit> limit = now.limit();
        if (cap.isPresent()) {
            situation = situation.limit(
                    cap.get().bytes(), "limit(\"" + Bytes.format(cap.get().bytes()) + "\")");
        } else if (limit.isPresent()) {
            situation = situation.limit(limit.get().bytes(), limit.get().label());
        }
        if (now.rss().isPresent()) {
            situation = situation.process(now.rss().getAsLong());
        }
        Optional<Limit> machine = now.limits().stream()
                .filter(each -> each.kind() == Limit.Kind.PHYSICAL)
                .findFirst();
        if (machine.isPresent() && machine.get().headroom().isPresent()) {
            situation = situation.machine(
                    machine.get().bytes(), machine.get().headroom().getAsLong());
        }
        Optional<LiveArrays> arrays = LiveArrays.now();
        return arrays.isPresent() ? situation.liveArrays(arrays.get().bytes()) : situation;
    }

    private static Situation.Kernel kernel() {
        return Kernels.current()
                .map(kernel -> kernel.name().startsWith("IJava") ? Situation.Kernel.IJAVA : Situation.Kernel.JJAVA)
                .orElse(Situation.Kernel.SHELL);
    }
}
