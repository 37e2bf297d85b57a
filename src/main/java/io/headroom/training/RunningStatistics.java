package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import java.util.ArrayList;
import java.util.List;

/** The running means and variances of a block's batch norms, to put back after a pass that must leave no trace. */
final class RunningStatistics implements AutoCloseable {
    private final List<NDArray> live = new ArrayList<>();
    private final List<NDArray> saved = new ArrayList<>();

    private RunningStatistics() {}

    static RunningStatistics of(Block block) {
        RunningStatistics statistics = new RunningStatistics();
        for (Parameter parameter : block.getParameters().values()) {
            if (isStatistic(parameter) && parameter.isInitialized()) {
                NDArray copy = parameter.getArray().duplicate();
                copy.detach();
                NDScope.unregister(copy); // a trainer keeps it beyond the scope of one slice
                statistics.live.add(parameter.getArray());
                statistics.saved.add(copy);
            }
        }
        return statistics;
    }

    static boolean isStatistic(Parameter parameter) {
        return parameter.getType() == Parameter.Type.RUNNING_MEAN || parameter.getType() == Parameter.Type.RUNNING_VAR;
    }

    void restore() {
        for (int i = 0; i < live.size(); i++) {
            saved.get(i).copyTo(live.get(i));
        }
    }

    @Override
    public void close() {
        saved.forEach(NDArray::close);
        saved.clear();
        live.clear();
    }
}
