package io.headroom.widget;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.budget.Estimate;
import io.headroom.kernel.LocalShell;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.JShell;
import jdk.jshell.SnippetEvent;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The cell that "Copy as code" gives compiles and makes the same workload, whatever was set. */
public class WorkloadCodeTest {
    private static volatile Workload made;
    private static Block block;
    private static JShell shell;

    /** What a cell hands to the test. */
    public static void take(Workload workload) {
        made = workload;
    }

    public static Block block() {
        return block;
    }

    @BeforeAll
    static void open() {
        shell = LocalShell.open();
        for (String line : List.of(
                "import static io.headroom.Headroom.*;",
                "import io.headroom.remedy.*;",
                "import io.headroom.training.*;",
                "import io.headroom.workload.*;",
                "import ai.djl.*;",
                "import ai.djl.nn.*;",
                "import ai.djl.ndarray.*;",
                "import ai.djl.ndarray.types.*;",
                "var block = io.headroom.widget.WorkloadCodeTest.block();")) {
            evaluate(line);
        }
    }

    @AfterAll
    static void close() {
        shell.close();
    }

    @Test
    void everyOptionOfEveryModelIsWritten() {
        for (Workload plain : List.of(
                Workload.transformer().batch(8).vocab(100),
                Workload.mlp().batch(8),
                Workload.cnn().batch(8),
                Workload.lstm().batch(8).layers(2),
                Workload.gat().batch(8))) {
            for (Option option : Option.values()) {
                if (plain.has(option)) {
                    for (Workload set : settings(plain, option)) {
                        isMade(set);
                    }
                }
            }
        }
    }

    /** Every choice, or another number, in training and where it goes in inference. */
    private static List<Workload> settings(Workload plain, Option option) {
        List<Workload> settings = new ArrayList<>();
        for (Object value : values(option)) {
            Workload set = plain.with(option, value);
            if (option == Option.DEVICES) {
                set = set.with(Option.SHARDING, "zero2");
            }
            if (option == Option.POSITIONS) {
                set = set.seq(2);
            }
            settings.add(
                    option == Option.NEW_TOKENS || set.isInference() ? set.inference() : set.training(set.optimizer()));
        }
        return settings;
    }

    private static List<Object> values(Option option) {
        if (!option.choices().isEmpty()) {
            return option.fallback() instanceof Boolean ? List.of(true, false) : List.copyOf(option.choices());
        }
        return switch (option) {
            case DEVICE -> List.of("A100 40GB");
            case DROPOUT -> List.of(0.25);
            case HEADS, KV_HEADS, ACCUMULATION, CHECKPOINTING, LAYERS, FROZEN_LAYERS, DEVICES -> List.of(2);
            case BATCH -> List.of(16, 3_000_000_000L);
            default -> List.of(16);
        };
    }

    @Test
    void aBlockOfYourOwnIsWrittenWithItsInput() {
        block = new SequentialBlock().add(Linear.builder().setUnits(4).build());
        evaluate("block = io.headroom.widget.WorkloadCodeTest.block();");
        Workload step = Workload.of(block, new Shape(8, 3, 16), OptimizerKind.ADAFACTOR);
        isMade(step);
        isMade(step.batch(9).seq(7).with(Option.FOREACH, true));
        isMade(step.inference());
    }

    private static void isMade(Workload workload) {
        made = null;
        String code = WorkloadCode.of(workload);
        evaluate(code + ";");
        evaluate("io.headroom.widget.WorkloadCodeTest.take(step);");
        assertThat(made.toMap()).as(code).isEqualTo(workload.toMap());
        assertThat(made.architecture()).isEqualTo(workload.architecture());
        assertThat(made.inputShape()).as(code).isEqualTo(workload.inputShape());
        if (workload.batch() < 1000) {
            assertThat(Estimate.of(made).upperBytes())
                    .as(code)
                    .isEqualTo(Estimate.of(workload).upperBytes());
        }
    }

    private static void evaluate(String code) {
        for (SnippetEvent event : shell.eval(code)) {
            assertThat(shell.diagnostics(event.snippet()).map(found -> found.getMessage(null)))
                    .as(code)
                    .isEmpty();
            assertThat(event.exception()).as(code).isNull();
        }
    }
}
