package io.headroom;

import io.headroom.budget.Estimate;
import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.Situation;
import io.headroom.kernel.FailedCell;
import io.headroom.kernel.Kernels;
import io.headroom.memory.Reading;
import io.headroom.model.Leftovers;
import io.headroom.model.Models;
import io.headroom.oom.Log;
import io.headroom.training.CellTraining;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

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
    static FailedStatement explain(FailedCell cell) {
        Log log = Log.read(cell.failure().text());
        if (log.first().isEmpty()) {
            return new FailedStatement(explain(log, Situation.unknown()), Optional.empty(), Optional.empty());
        }
        Optional<Leftovers> left = left(cell.code());
        Situation known = situation().code(cell.code());
        Situation held =
                left.map(each -> known.heldByCell(each.bytes(), each.names())).orElse(known);
        Situation situation = own(cell.code(), known.readings())
                .map(step -> held.workload(step).inPlace(Session.inPlace(step)))
                .orElse(held);
        return new FailedStatement(explain(log, situation), situation.workload(), left);
    }

    private static Optional<Leftovers> left(String code) {
        try {
            return Session.current().leftBy(code);
        } catch (RuntimeException | OutOfMemoryError unread) {
            return Optional.empty();
        }
    }

    /** The step of the user's own that the cell ran; none that would have fitted, for then it was another. */
    private static Optional<Workload> own(String code, List<Reading> readings) {
        Map<String, Object> variables = new LinkedHashMap<>();
        Session.variables().forEach(variable -> variables.put(variable.name(), variable.value()));
        OptionalLong room = readings.get(readings.size() - 1).headroom();
        return CellTraining.find(code, variables)
                .filter(step -> room.isEmpty() || upper(step) > room.getAsLong() + Session.inPlace(step));
    }

    /** A block whose code cannot be read may need anything. */
    private static long upper(Workload step) {
        try {
            return Estimate.of(step).upperBytes();
        } catch (UnsupportedOperationException unread) {
            return Long.MAX_VALUE;
        } catch (IllegalArgumentException | ArithmeticException wrong) {
            return 0;
        }
    }

    private static Situation situation() {
        Session session = Session.current();
        List<Reading> readings = new ArrayList<>(session.course());
        readings.add(Reading.now("failed"));
        return Situation.unknown()
                .in(kernel())
                .readings(readings)
                .leaks(session.leaks())
                .models(models())
                .workload(session.running().orElse(null));
    }

    private static Map<String, Long> models() {
        Map<String, Long> loaded = new LinkedHashMap<>();
        Models.loaded()
                .forEach(model -> loaded.merge(
                        model.name(),
                        model.weights().orElseGet(() -> model.added().orElse(0)),
                        Long::sum));
        return loaded;
    }

    private static Situation.Kernel kernel() {
        return Kernels.current()
                .map(kernel -> kernel.name().startsWith("IJava") ? Situation.Kernel.IJAVA : Situation.Kernel.JJAVA)
                .orElse(Situation.Kernel.SHELL);
    }
}
