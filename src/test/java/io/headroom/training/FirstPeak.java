package io.headroom.training;

import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;

/** Prints the peak of a process's first step, for a JVM of its own. */
public final class FirstPeak {
    static final Workload STEP =
            Workload.transformer().layers(1).batch(4).seq(32).dModel(64).training(OptimizerKind.ADAM);

    private FirstPeak() {}

    public static void main(String[] none) {
        System.out.println("peak\t" + StepRunner.run(STEP).peakBytes());
    }
}
