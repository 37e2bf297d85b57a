package io.headroom.remedy;

import io.headroom.workload.Workload;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * One remedy of the catalogue.
 *
 * @param precondition gives the obstacle, or null
 * @param change the workload with the remedy, or null for a remedy of the process
 * @param lines the code for a workload
 */
record Change(
        String name,
        String setting,
        String what,
        Cost cost,
        Function<Workload, String> precondition,
        UnaryOperator<Workload> change,
        Function<Workload, Code> lines)
        implements Remedy {

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
