package io.headroom.widget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.budget.Estimate;
import io.headroom.budget.Solver;
import io.headroom.remedy.Plan;
import io.headroom.remedy.Plans;
import io.headroom.render.Bundle;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Option;
import io.headroom.workload.Precision;
import io.headroom.workload.Workload;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BudgetPanelTest {
    private static final long LIMIT = Bytes.parse("9.07 GiB");
    private static final Workload CASE = Workload.transformer()
            .batch(64)
            .nodes(25)
            .seq(80)
            .heads(8)
            .dModel(128)
            .layers(2)
            .features(7)
            .training(OptimizerKind.ADAM);

    private final Browser browser = new Browser();
    private final BudgetPanel panel = BudgetPanel.of(CASE, LIMIT);

    @Test
    void startsAtTheWorkloadWithItsVerdictAndFormula() {
        panel.show(browser);

        assertThat(output())
                .contains("✗ does not fit", Bytes.format(Estimate.of(CASE).deviceBytes()), "limit 9.07 GiB")
                .contains("64 × 25 × 8 × 80 × 80 × 4 B")
                .contains("aria-label=\"bar of the peak: weights 4.53 MiB, gradients 4.53 MiB, optimizer state");
        assertThat(panel.workload()).isEqualTo(CASE);
    }

    @Test
    void followsTheSlidersAndChoices() {
        panel.show(browser);
        browser.change(browser.named("batch"), "value", 8);
        browser.change(browser.named("precision"), "index", 1);
        browser.change(browser.named("optimizer"), "index", 0);

        Workload now = CASE.batch(8).precision(Precision.FP16).training(OptimizerKind.SGD);
        assertThat(panel.workload()).isEqualTo(now);
        assertThat(output()).contains("✓ fits", Bytes.format(Estimate.of(now).deviceBytes()));
    }

    @Test
    void layersAndOperatorsStayOpenWhileSlidersMove() {
        panel.show(browser);
        assertThat(output()).contains("its peak", "optimizer step").doesNotContain("operator, in all layers");
        browser.click(browser.named("Layers and operators"));
        assertThat(output()).contains("layer 2", "operator, in all layers", "attention · softmax");

        browser.change(browser.named("layers"), "value", 3);
        assertThat(output()).contains("layer 3", "operator, in all layers");

        browser.click(browser.named("Layers and operators"));
        assertThat(output()).doesNotContain("operator, in all layers");
        assertThat(panel.table().plain()).contains("live at the peak, by layer", "live at the peak, by operator");
    }

    @Test
    void checkpointingRecomputesEachLayer() {
        panel.show(browser);
        browser.change(browser.named("checkpointing"), "value", true);
        assertThat(panel.workload().checkpointing()).isEqualTo(2);

        browser.change(browser.named("checkpointing"), "value", false);
        assertThat(panel.workload().checkpointing()).isZero();
    }

    @Test
    void headsThatDoNotDivideTheWidthKeepTheLastEstimate() {
        panel.show(browser);
        String before = output();
        browser.change(browser.named("heads"), "value", 7);

        assertThat(output()).contains("heads = 7 does not divide d_model = 128").endsWith(before);
        assertThat(panel.workload()).isEqualTo(CASE);
    }

    @Test
    void theLargestBatchThatFitsIsSetAndFits() {
        panel.show(browser);
        browser.click(browser.named("Largest batch that fits"));

        long largest = Solver.largestBatch(CASE, LIMIT).orElseThrow();
        assertThat(panel.workload().batch()).isEqualTo(largest);
        assertThat(browser.models.get(browser.named("batch"))).containsEntry("value", largest);
        assertThat(output()).contains("✓ fits");
    }

    @Test
    void whereNotEvenOneSampleFitsItSaysWhatToDo() {
        BudgetPanel tight = BudgetPanel.of(CASE, 2 * Bytes.MIB);
        tight.show(browser);
        browser.click(browser.named("Largest batch that fits"));

        assertThat(output()).contains("not even batch 1 fits 2.00 MiB", "checkpointing");
        assertThat(tight.workload()).isEqualTo(CASE);
    }

    @Test
    void eachSizeCanBeTheLargestThatFits() {
        for (var button : Map.of(
                        "Longest sequence", Option.SEQ, "Most nodes", Option.NODES, "Widest model", Option.D_MODEL)
                .entrySet()) {
            Browser fresh = new Browser();
            BudgetPanel open = BudgetPanel.of(CASE.batch(8), LIMIT);
            open.show(fresh);
            fresh.click(fresh.named(button.getKey()));

            long largest =
                    Solver.largest(CASE.batch(8), button.getValue(), LIMIT).orElseThrow();
            assertThat(open.workload()).isEqualTo(CASE.batch(8).with(button.getValue(), largest));
            assertThat(fresh.models.get(fresh.named(button.getValue().key()))).containsEntry("value", largest);
            assertThat(open.estimate().upperBytes()).isLessThanOrEqualTo(LIMIT);
        }
    }

    @Test
    void theCheapestRemediesAreSetAndExplained() {
        panel.show(browser);
        browser.click(browser.named("Cheapest remedies"));

        Plan plan = Plans.cheapest(CASE, LIMIT).orElseThrow();
        assertThat(panel.workload()).isEqualTo(plan.workload());
        assertThat(output()).contains("✓ fits", plan.title(), "MicroBatches");

        browser.click(browser.named("Copy as code"));
        assertThat(output()).contains(WorkloadCode.of(plan.workload()));
        browser.change(browser.named("batch"), "value", 32);
        assertThat(panel.workload()).isEqualTo(plan.workload().batch(32));
        assertThat(output()).doesNotContain("MicroBatches");
    }

    @Test
    void remediesWithoutASliderAreKept() {
        Workload long2048 = CASE.batch(1).nodes(1).seq(2048).accumulation(1);
        Plan plan =
                Plans.cheapest(long2048, Estimate.of(long2048).upperBytes() / 2).orElseThrow();
        BudgetPanel tight = BudgetPanel.of(long2048, Estimate.of(long2048).upperBytes() / 2);
        tight.show(browser);
        browser.click(browser.named("Cheapest remedies"));

        assertThat(tight.workload()).isEqualTo(plan.workload());
        assertThat(plan.workload().attention()).isEqualTo(Attention.CHUNKED);
    }

    @Test
    void whereNoRemediesAreEnoughTheWorkloadStays() {
        BudgetPanel tight = BudgetPanel.of(CASE, 2 * Bytes.MIB);
        tight.show(browser);
        browser.click(browser.named("Cheapest remedies"));

        assertThat(output()).contains("no set of remedies fits 2.00 MiB");
        assertThat(tight.workload()).isEqualTo(CASE);
    }

    @Test
    void inferenceHasNothingOfTraining() {
        BudgetPanel inference = BudgetPanel.of(CASE.inference().batch(32), LIMIT);
        inference.show(browser);

        assertThat(browser.models.values())
                .noneMatch(state -> List.of("optimizer", "checkpointing", "accumulation", "lora_rank")
                        .contains(String.valueOf(state.get("description"))));
        browser.click(browser.named("Longest sequence"));
        assertThat(inference.workload().isInference()).isTrue();
        assertThat(inference.workload().seq())
                .isGreaterThan(80)
                .isEqualTo(Solver.largest(CASE.inference().batch(32), Option.SEQ, LIMIT)
                        .orElseThrow());
    }

    @Test
    void panelsAreIndependent() {
        BudgetPanel other = BudgetPanel.of(CASE, LIMIT);
        panel.show(browser);
        String batch = browser.named("batch");
        other.show(browser);
        browser.change(batch, "value", 3);

        assertThat(panel.workload().batch()).isEqualTo(3);
        assertThat(other.workload()).isEqualTo(CASE);
    }

    @Test
    void aUsedUpHeadroomIsALimitOfNothing() {
        BudgetPanel full = BudgetPanel.of(CASE, () -> 0);
        full.show(browser);
        assertThat(output()).contains("does not fit");
        browser.click(browser.named("Largest batch that fits"));
        assertThat(output()).contains("head-room is used up");
    }

    @Test
    void showsTheCellThatMakesTheWorkload() {
        panel.show(browser);
        browser.change(browser.named("batch"), "value", 8);
        browser.click(browser.named("Copy as code"));
        assertThat(output())
                .contains(
                        "var step = transformer().batch(8).nodes(25).seq(80).heads(8).dModel(128).layers(2).features(7)"
                                + ".training(adam())");

        browser.click(browser.named("Copy as code"));
        assertThat(output()).doesNotContain("var step");
    }

    @Test
    void aBlockOfYourOwnGoesUnderSlidersToo() {
        Block block = new SequentialBlock()
                .add(Linear.builder().setUnits(4096).build())
                .add(Activation.reluBlock())
                .add(Linear.builder().setUnits(1).build());
        Workload step = Workload.of(block, new Shape(32, 512), OptimizerKind.ADAM);
        BudgetPanel own = BudgetPanel.of(step, LIMIT);
        own.show(browser);
        browser.change(browser.named("batch"), "value", 64);
        browser.change(browser.named("checkpointing"), "value", true);

        assertThat(own.workload()).isEqualTo(step.batch(64).checkpointing(3));
        assertThat(output()).contains(Bytes.format(Estimate.of(own.workload()).deviceBytes()));
        assertThat(WorkloadCode.of(own.workload()))
                .isEqualTo("var step = Workload.of(block, new Shape(64, 512), adam()).checkpointing(3)");
        assertThat(browser.models.values())
                .extracting(model -> model.get("description"))
                .contains("Largest batch that fits", "Cheapest remedies")
                .doesNotContain("Widest model", "Most nodes", "Longest sequence");
        browser.click(browser.named("Largest batch that fits"));
        browser.click(browser.named("Cheapest remedies"));
        assertThat(output()).contains("✓ fits").doesNotContain("Not possible");
    }

    @Test
    void codeNamesWhatHasNoShorthand() {
        Workload step = CASE.precision(Precision.FP16)
                .attention(Attention.SDPA)
                .dropout(0.2)
                .device("A100 \"40GB\"")
                .training(OptimizerKind.ADAFACTOR);

        assertThat(WorkloadCode.of(step))
                .contains(".dropout(0.2)", ".attention(Attention.SDPA)", ".precision(Precision.FP16)")
                .contains(".device(\"A100 \\\"40GB\\\"\")")
                .endsWith(".training(OptimizerKind.ADAFACTOR)");
        assertThat(WorkloadCode.of(Workload.mlp().inference()))
                .startsWith("var step = mlp()")
                .endsWith(".inference()");
    }

    @Test
    void theTableThatStandsInIsCompleteAndStatic() {
        Bundle bundle = panel.show(browser);

        assertThat((String) bundle.data().get(Bundle.HTML))
                .contains("does not fit", "activations", "64 × 25 × 80 × 7 × 4 B")
                .doesNotContain("<script", "<style", "<svg", "onclick");
        assertThat(bundle.plain()).contains("batch=64", "does not fit");
    }

    @Test
    void withoutAKnownLimitThereIsNoVerdict() {
        BudgetPanel open = BudgetPanel.of(CASE, () -> Long.MAX_VALUE);
        open.show(browser);
        browser.click(browser.named("Largest batch that fits"));

        assertThat(output()).contains("no limit is known");
    }

    @Test
    void theOtherArchitecturesHaveTheirOwnSliders() {
        for (Workload workload : List.of(Workload.mlp(), Workload.cnn(), Workload.lstm())) {
            Browser fresh = new Browser();
            Bundle bundle =
                    BudgetPanel.of(workload.training(OptimizerKind.ADAM), LIMIT).show(fresh);
            assertThat(fresh.models.get(fresh.named("batch"))).containsEntry("value", 1L);
            assertThat(fresh.models.values()).noneMatch(state -> "heads".equals(state.get("description")));
            assertThat(bundle.plain()).contains("fits");
        }
    }

    @Test
    void whatDjlCannotRunIsSaidBesideItsEstimate() {
        BudgetPanel lstm = BudgetPanel.of(Workload.lstm().training(OptimizerKind.ADAM), LIMIT);
        lstm.show(browser);
        assertThat(output()).doesNotContain("DJL cannot run");
        for (int precision : new int[] {1, 2, 3}) {
            browser.change(browser.named("precision"), "index", precision);
            assertThat(output())
                    .contains(
                            "✓ fits",
                            "DJL cannot run this step here. precision = "
                                    + Option.PRECISION.choices().get(precision));
        }
        assertThat(lstm.workload().precision()).isEqualTo(Precision.AUTOCAST);
        browser.change(browser.named("precision"), "index", 0);
        assertThat(output()).doesNotContain("DJL cannot run");
    }

    /** A front end rounds to a slider's steps and sends that back: no answer may lie between two of them. */
    @Test
    void everyAnswerIsOnAStepOfItsSlider() {
        Workload narrow = Workload.transformer().heads(12).dModel(144).training(OptimizerKind.ADAM);
        for (Workload start : List.of(narrow, CASE, CASE.heads(5).dModel(80), Workload.mlp())) {
            BudgetPanel own = BudgetPanel.of(start, Bytes.parse("2 GiB"));
            own.show(browser);
            for (String button : List.of("Widest model", "Largest batch that fits", "Cheapest remedies")) {
                browser.click(browser.named(button));
                onSteps(own);
            }
            if (start.has(Option.HEADS)) {
                browser.change(browser.named("batch"), "value", 1);
                browser.change(browser.named("heads"), "value", 1);
                browser.click(browser.named("Widest model"));
                onSteps(own);
            }
        }
    }

    private void onSteps(BudgetPanel own) {
        for (Option option : List.of(Option.D_MODEL, Option.BATCH, Option.LAYERS)) {
            Map<String, Object> slider = browser.models.get(browser.named(option.key()));
            long value = ((Number) slider.get("value")).longValue();
            long past = value - ((Number) slider.get("min")).longValue();
            assertThat(past % ((Number) slider.get("step")).longValue())
                    .as("%s = %d of %s", option, value, slider)
                    .isZero();
            assertThat(value).isEqualTo(own.workload().number(option));
        }
    }

    @Test
    void aModelOfTokensShowsItsTokensAndNoFeatures() {
        BudgetPanel tokens = BudgetPanel.of(CASE.features(0).vocab(5000), LIMIT);
        tokens.show(browser);
        assertThat(output()).contains("input, tokens", "64 × 25 × 80 × 8 B");
        assertThat(browser.models.values()).noneMatch(model -> "features".equals(model.get("description")));
    }

    @Test
    void aGraphHasItsNodesEdgesAndFormula() {
        BudgetPanel graph = BudgetPanel.of(Workload.gat().nodes(100).edges(800).training(OptimizerKind.ADAM), LIMIT);
        graph.show(browser);
        browser.change(browser.named("edges"), "value", 900);
        browser.click(browser.named("Most nodes"));
        assertThat(graph.workload().edges()).isEqualTo(900);
        assertThat(graph.workload().nodes()).isGreaterThan(1000);
        assertThat(output()).contains("1 × 8 × 900 × 4 B", "✓ fits");
    }

    @Test
    void aDeviceOfTheTableIsTheLimit() {
        BudgetPanel card = BudgetPanel.of(CASE.device("T4 16GB"), () -> 1);
        card.show(browser);
        assertThat(output()).contains("T4 16GB 14.08 GiB");
        browser.click(browser.named("Largest batch that fits"));
        assertThat(output()).contains("✓ fits");
    }

    @Test
    void aLimitOfNothingIsRefused() {
        assertThatThrownBy(() -> BudgetPanel.of(CASE, 0)).hasMessageContaining("limit = 0");
        assertThatThrownBy(() -> BudgetPanel.of(CASE.heads(7), LIMIT)).hasMessageContaining("heads = 7");
    }

    private String output() {
        return browser.view();
    }
}
