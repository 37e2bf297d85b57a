package io.headroom.remedy;

import io.headroom.workload.Workload;
import java.util.Optional;

/** One remedy after another. */
record Sequence(Remedy first, Remedy second) implements Remedy {
    @Override
    public String name() {
        return first.name() + " + " + second.name();
    }

    @Override
    public String title() {
        return first.title() + " + " + second.title();
    }

    @Override
    public String what() {
        return first.what() + " " + second.what();
    }

    @Override
    public Optional<String> obstacle(Workload workload) {
        Optional<String> obstacle = first.obstacle(workload);
        return obstacle.isPresent() ? obstacle : second.obstacle(first.apply(workload));
    }

    @Override
    public Workload apply(Workload workload) {
        return second.apply(first.apply(workload));
    }

    @Override
    public boolean changesWorkload() {
        return first.changesWorkload() || second.changesWorkload();
    }

    @Override
    public Cost cost() {
        Cost one = first.cost();
        Cost two = second.cost();
        return new Cost(
                one.timeFactor() * two.timeFactor(),
                one.accuracy().compareTo(two.accuracy()) > 0 ? one.accuracy() : two.accuracy(),
                one.risk().compareTo(two.risk()) > 0 ? one.risk() : two.risk(),
                one.note() + " " + two.note());
    }

    @Override
    public Code code(Workload workload) {
        return first.code(workload).then(second.code(first.apply(workload)));
    }
}
