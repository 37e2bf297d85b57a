package io.headroom.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Percentage.withPercentage;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv1dTranspose;
import ai.djl.nn.convolutional.Conv2dTranspose;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.Prelu;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.BertMaskedLanguageModelBlock;
import ai.djl.nn.transformer.BertPretrainingBlock;
import ai.djl.training.initializer.ConstantInitializer;
import io.headroom.budget.Estimate;
import io.headroom.remedy.Plans;
import io.headroom.training.StepRunner;
import io.headroom.workload.step.Phase;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.JarURLConnection;
import java.net.URL;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** Every block of DJL's {@code nn} is either read or refused with what to do; none is forgotten. */
class BlocksOfDjlTest {
    private static final Set<String> READ = Set.of(
            "LambdaBlock",
            "ParallelBlock",
            "SequentialBlock",
            "convolutional.Conv1d",
            "convolutional.Conv2d",
            "convolutional.Conv3d",
            "core.ConstantEmbedding",
            "core.Linear",
            "core.LinearCollection",
            "core.Multiplication",
            "core.SparseMax",
            "norm.BatchNorm",
            "norm.Dropout",
            "norm.GhostBatchNorm",
            "norm.LayerNorm",
            "recurrent.GRU",
            "recurrent.LSTM",
            "recurrent.RNN",
            "transformer.BertBlock",
            "transformer.BertNextSentenceBlock",
            "transformer.BertPretrainingBlock",
            "transformer.IdEmbedding",
            "transformer.PointwiseFeedForwardBlock",
            "transformer.ScaledDotProductAttentionBlock",
            "transformer.TransformerEncoderBlock");
    private static final Set<String> REFUSED = Set.of(
            "convolutional.Conv1dTranspose",
            "convolutional.Conv2dTranspose",
            "core.Prelu",
            "transformer.BertMaskedLanguageModelBlock");

    @Test
    void everyBlockOfDjlIsReadOrRefused() throws IOException {
        Set<String> known = new TreeSet<>(READ);
        known.addAll(REFUSED);
        assertThat(blocksOfDjl()).isEqualTo(known);
    }

    @Test
    void whatTheEngineCannotRunIsRefusedWithWhatRunsInstead() {
        refused(new Prelu(), new Shape(4, 8)).withMessageContaining("leakyReluBlock");
        refused(
                        Conv2dTranspose.builder()
                                .setKernelShape(new Shape(3, 3))
                                .setFilters(4)
                                .build(),
                        new Shape(2, 3, 8, 8))
                .withMessageContaining("no Conv2dTranspose")
                .withMessageContaining("Conv2d");
        refused(
                        GRU.builder()
                                .setStateSize(4)
                                .setNumLayers(1)
                                .optBidirectional(true)
                                .build(),
                        new Shape(2, 3, 4))
                .withMessageContaining("optHasBiases(false)");
    }

    @Test
    void whatIsRefusedDoesNotRun() {
        Block prelu = new Prelu();
        prelu.setInitializer(new ConstantInitializer(0.25f), Parameter.Type.WEIGHT);
        doesNotRun(prelu, new Shape(4, 8));
        doesNotRun(
                Conv1dTranspose.builder()
                        .setKernelShape(new Shape(3))
                        .setFilters(4)
                        .build(),
                new Shape(2, 3, 8));
        doesNotRun(
                Conv2dTranspose.builder()
                        .setKernelShape(new Shape(3, 3))
                        .setFilters(4)
                        .build(),
                new Shape(2, 3, 8, 8));
        Shape series = new Shape(2, 3, 5);
        doesNotRun(
                GRU.builder()
                        .setStateSize(4)
                        .setNumLayers(1)
                        .optBidirectional(true)
                        .build(),
                series);
        doesNotRun(
                LSTM.builder()
                        .setStateSize(4)
                        .setNumLayers(1)
                        .optBidirectional(true)
                        .build(),
                series);
    }

    private static void doesNotRun(Block block, Shape input) {
        Workload step = Workload.of(block, input, OptimizerKind.ADAM);
        for (Workload each : List.of(step, step.inference())) {
            assertThatThrownBy(() -> StepRunner.run(each))
                    .as(block.toString())
                    .isInstanceOfAny(EngineException.class, UnsupportedOperationException.class);
        }
    }

    @Test
    void theInputsOfBertAreChecked() {
        BertBlock.Builder bert = BertBlock.builder().nano().setTokenDictionarySize(100);
        Shape tokens = new Shape(2, 128);
        refused(bert.build(), new Shape(2, 16)).withMessageContaining("new Shape(2, 128)");
        refused(new BertPretrainingBlock(bert), tokens)
                .withMessageContaining(
                        "Workload.of(block, adam(), new Shape(2, 128), new Shape(2, 128), new Shape(2, 128),")
                .withMessageContaining("masked places");
        refused(
                        new SequentialBlock()
                                .add(bert.build())
                                .add(Linear.builder().setUnits(2).build()),
                        tokens)
                .withMessageContaining("LambdaBlock");
        refused(new BertMaskedLanguageModelBlock(bert.build(), Activation::gelu), new Shape(2, 128, 256))
                .withMessageContaining("BertPretrainingBlock");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Workload.of(Linear.builder().setUnits(2).build(), OptimizerKind.SGD, tokens, tokens))
                .withMessageContaining("takes one");
        assertThat(Workload.of(bert.build(), tokens, OptimizerKind.SGD).batch(5).inputShapes(5))
                .containsExactly(new Shape(5, 128), new Shape(5, 128), new Shape(5, 128));
    }

    @Test
    void eachLayerOfABlockThatTakesTokensCanBeASegment() {
        Block bert = BertBlock.builder().nano().setTokenDictionarySize(100).build();
        Workload step = Workload.of(
                new SequentialBlock()
                        .add(bert)
                        .add(new LambdaBlock(list -> new NDList(list.get(1)), "pooled"))
                        .add(Linear.builder().setUnits(2).build()),
                new Shape(8, 128),
                OptimizerKind.ADAM);
        for (long segments = 1; segments <= step.layers(); segments++) {
            assertThat(Estimate.of(step.checkpointing(segments)).gradientsBytes())
                    .isEqualTo(Estimate.of(step).gradientsBytes());
        }
        assertThat(Estimate.of(step.checkpointing(3)).deviceBytes())
                .as("BERT is a segment of its own in both")
                .isCloseTo(Estimate.of(step.checkpointing(2)).deviceBytes(), withPercentage(1));
        assertThat(Plans.cheapest(step, Estimate.of(step).upperBytes() / 2)).isNotNull();
    }

    @Test
    void aFunctionBehindBertIsAskedWithTheShapesThatItWillSee() {
        long asItIs = behindBert(NDList::head);
        assertThat(behindBert(list -> list.head().mul(2))).isGreaterThan(asItIs);
        assertThat(behindBert(list -> Activation.gelu(list.head()))).isGreaterThan(asItIs);
        assertThat(behindBert(list -> list.head().get(":, 3"))).isPositive();
        assertThat(behindBert(list -> list.head().reshape(-1, 256))).isPositive();
    }

    private static long behindBert(Function<NDList, NDArray> function) {
        Block bert = BertBlock.builder().nano().setTokenDictionarySize(100).build();
        return Estimate.of(Workload.of(
                        new SequentialBlock()
                                .add(bert)
                                .add(new LambdaBlock(list -> new NDList(function.apply(list)), "picked"))
                                .add(Linear.builder().setUnits(2).build()),
                        new Shape(8, 128),
                        OptimizerKind.ADAM))
                .peakByPhase()
                .get(Phase.BACKWARD);
    }

    @Test
    void frozenLayersOfBertHaveNoGradientAndNoState() {
        BertBlock bert = BertBlock.builder()
                .nano()
                .optTransformerBlockCount(2)
                .setTokenDictionarySize(100)
                .build();
        Workload step = Workload.of(bert, new Shape(2, 128), OptimizerKind.ADAM);
        Estimate all = Estimate.of(step);
        bert.getChildren().stream()
                .filter(child -> child.getKey().endsWith("transformer_0"))
                .forEach(child -> child.getValue().freezeParameters(true));
        long width = 256;
        long frozen = 4 * (width * width + width) + 2 * 4 * width * width + 4 * width + width + 4 * width;
        assertThat(all.gradientsBytes() - Estimate.of(step).gradientsBytes()).isEqualTo(4 * frozen);
        assertThat(all.optimizerBytes() - Estimate.of(step).optimizerBytes()).isEqualTo(8 * frozen);
        assertThat(Estimate.of(step).weightsBytes()).isEqualTo(all.weightsBytes());
    }

    @Test
    void aBlockThatReturnsItsStateNeedsAFunctionThatPicks() {
        Block gru = GRU.builder()
                .setStateSize(4)
                .setNumLayers(2)
                .optReturnState(true)
                .build();
        refused(new SequentialBlock().add(gru).add(Linear.builder().setUnits(1).build()), new Shape(2, 3, 4))
                .withMessageContaining("LambdaBlock");
        Block picked = new SequentialBlock()
                .add(gru)
                .add(new LambdaBlock(list -> new NDList(list.get(1).get("-1")), "state"))
                .add(Linear.builder().setUnits(5).build());
        Estimate estimate = Estimate.of(Workload.of(picked, new Shape(2, 3, 4), OptimizerKind.SGD));
        long gates = 3 * 4;
        assertThat(estimate.parameters()).isEqualTo(2 * (gates * 4 + gates * 4 + 2 * gates) + 4 * 5 + 5);
    }

    private static org.assertj.core.api.ThrowableAssertAlternative<IllegalArgumentException> refused(
            Block block, Shape input) {
        return assertThatIllegalArgumentException()
                .isThrownBy(() -> Estimate.of(Workload.of(block, input, OptimizerKind.ADAM)));
    }

    /** The classes that a model can be made of, by their names below {@code ai.djl.nn}. */
    private static Set<String> blocksOfDjl() throws IOException {
        URL place = Block.class.getResource("Block.class");
        Set<String> found = new TreeSet<>();
        try (JarFile jar = ((JarURLConnection) place.openConnection()).getJarFile()) {
            jar.stream()
                    .map(entry -> entry.getName())
                    .filter(name -> name.startsWith("ai/djl/nn/") && name.endsWith(".class") && !name.contains("$"))
                    .map(name ->
                            name.substring(0, name.length() - ".class".length()).replace('/', '.'))
                    .filter(BlocksOfDjlTest::isBlock)
                    .forEach(name -> found.add(name.substring("ai.djl.nn.".length())));
        }
        return found;
    }

    private static boolean isBlock(String name) {
        try {
            Class<?> type = Class.forName(name, false, Block.class.getClassLoader());
            return Block.class.isAssignableFrom(type) && !Modifier.isAbstract(type.getModifiers());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }
}
