package io.headroom;

import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.Situation;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Kernels;
import io.headroom.memory.Reading;
import io.headroom.oom.Log;
import java.util.ArrayList;
import java.util.List;

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
        return explain(Log.read(cell.failure().text()), situation().code(cell.code()));
    }

    private static Situation situation() {
        Session session = Session.current();
        List<Reading> readings = new ArrayList<>(session.course());
        readings.add(Reading.now("failed"));
        return Situation.unknown()
                .in(kernel())
                .readings(readings)
                .workload(session.workload().orElse(null));
    }

    private static Situation.Kernel kernel() {
        return Kernels.current()
                .map(kernel -> kernel.name().startsWith("IJava") ? Situation.Kernel.IJAVA : Situation.Kernel.JJAVA)
                .orElse(Situation.Kernel.SHELL);
    }
}
