package io.headroom.kernel;

import java.util.ArrayList;
import java.util.List;

/** The import lines a notebook on DJL and Tablesaw would begin with. */
public final class Imports {
    private static final List<String> STANDARD = List.of(
            "import java.nio.file.*;",
            "import java.time.Duration;",
            "import ai.djl.*;",
            "import ai.djl.engine.*;",
            "import ai.djl.inference.*;",
            "import ai.djl.metric.*;",
            "import ai.djl.ndarray.*;",
            "import ai.djl.ndarray.index.*;",
            "import ai.djl.ndarray.types.*;",
            "import ai.djl.nn.*;",
            "import ai.djl.nn.convolutional.*;",
            "import ai.djl.nn.core.*;",
            "import ai.djl.nn.norm.*;",
            "import ai.djl.nn.pooling.*;",
            "import ai.djl.nn.recurrent.*;",
            "import ai.djl.nn.transformer.*;",
            "import ai.djl.repository.zoo.*;",
            "import ai.djl.training.*;",
            "import ai.djl.training.dataset.*;",
            "import ai.djl.training.initializer.*;",
            "import ai.djl.training.listener.*;",
            "import ai.djl.training.loss.*;",
            "import ai.djl.training.optimizer.*;",
            "import ai.djl.training.tracker.*;",
            "import ai.djl.translate.*;",
            "import tech.tablesaw.api.*;");

    private Imports() {}

    /** DJL, Tablesaw and {@code java.nio.file}, then the lines given. */
    public static List<String> standard(String... more) {
        List<String> all = new ArrayList<>(STANDARD);
        all.addAll(List.of(more));
        return List.copyOf(all);
    }
}
