package io.headroom.remedy;

import io.headroom.memory.Reading;
import io.headroom.workload.Workload;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * One remedy of the catalogue.
 *
 * @param precondition gives the obstacle, or null
 * @param change the workload with the remedy, or null for a remedy of the process
 * @param lines the code for a workload
 * @param told what a remedy of the process is predicted to give back; null where two estimates tell
 */
record Change(
        String name,
        String setting,
        String what,
        Cost cost,
        Function<Workload, String> precondition,
        UnaryOperator<Workload> change,
        Function<Workload, Code> lines,
        BiFunction<Workload, Reading, Prediction> told)
        implements Remedy {

    Change(
            String name,
            String setting,
            String what,
            Cost cost,
            Function<Workload, String> precondition,
            UnaryOperator<Workload> change,
            Function<Workload, Code> lines) {
        this(name, setting, what, cost, precondition, change, lines, null);
    }

    @Override
    public Prediction prediction(Workload workload, Reading reading) {
        Optional<String> obstacle = obstacle(workload);
        if (told == null || obstacle.isPresent()) {
            return Remedy.super.prediction(workload, reading);
        }
        try {
            return told.apply(workload, reading);
        } catch (UnsupportedOperationException noEstimate) {
            return Prediction.notTold(Prediction.NO_ESTIMATE);
        }
    }

    @Override
    public String title() {
        return setting.isEmpty() ? name : name + ", " + setting;
    }

    @Override
    public Optional<String> obstacle(Workload workload) {
        String obstacle = precondition.apply(workload);
        if (obstacle == null && change != null) {
            try {
                change.apply(workload).validate();
            } catch (IllegalArgumentException invalid) {
                obstacle = invalid.getMessage();
            }
        }
        return Optional.ofNullable(obstacle);
    }

    @Override
    public Workload apply(Workload workload) {
        obstacle(workload).ifPresent(reason -> {
            throw new IllegalArgumentException(title() + " does not apply: " + reason);
        });
        return change == null ? workload : change.apply(workload);
    }

    @Override
    public boolean changesWorkload() {
        return change != null;
    }

    @Override
    public Code code(Workload workload) {
        return lines.apply(workload);
    }

    @Override
    public String toString() {
        return title();
    }
}
