package io.headroom.workload;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.headroom.units.Bytes;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What runs: a model by its sizes, the data it sees in one step, how it is trained.
 *
 * <p>One value that can be estimated, run and measured. Every method returns a changed copy; each checks its own value
 * at once and {@link #validate()} checks how they go together (heads must divide d_model, LoRA rank must not exceed the
 * width, …). A step sees {@code batch × nodes} sequences; {@code accumulation} splits the batch into micro-batches.
 *
 * <pre>{@code
 * Workload step = Workload.transformer().batch(64).nodes(25).seq(80).heads(8).dModel(128).layers(2)
 *         .features(7).training(OptimizerKind.ADAM);
 * step.sequences();                       // 1600
 * Workload smaller = step.batch(8);       // 200 sequences, the rest as before
 * }</pre>
 *
 * <p>Defaults are those of PyTorch's {@code nn.Transformer}: d_model 512, 8 heads, 6 layers, feed-forward 2048, dropout
 * 0.1; fp32 and Adam. Immutable and safe for any number of threads.
 */
public final class Workload {
    private final Architecture architecture;
    private final Map<Option, Object> values;
    private final OwnBlock own;

    private Workload(Architecture architecture, Map<Option, Object> values, OwnBlock own) {
        this.architecture = architecture;
        this.values = values;
        this.own = own;
    }

    /**
     * Training of a block of your own: {@code Workload.of(block, new Shape(32, 512), adam())}.
     *
     * <p>The block is read, not initialized: linear, convolution, normalization, dropout, embedding, LSTM, GRU, RNN, attention,
     * transformer encoder, activations, pooling, and sequential and parallel blocks of these. Another is refused by the cell
     * that estimates it, with what to do instead.
     *
     * @param input the shape of one batch; its first dimension is the batch, which {@link #batch(long)} changes; the second is
     *     the sequence, which {@link #seq(long)} changes, where there are three and no convolution takes them, or two of tokens
     * @throws IllegalArgumentException if something is null or the shape has no batch
     */
    public static Workload of(Block block, Shape input, OptimizerKind optimizer) {
        return of(block, optimizer, input);
    }

    /**
     * Training of a block of your own that takes several inputs, their shapes in its order as for {@code trainer.initialize}.
     *
     * <p>Of DJL's blocks those are {@code BertBlock} (token ids, type ids and masks, one shape stands for the three) and {@code
     * BertPretrainingBlock} (the masked places of each sequence too). They take sequences of their {@code maxSequenceLength}
     * alone. The loss is taken of both their results, of one where a {@code LambdaBlock} picks it.
     *
     * <pre>{@code
     * Shape tokens = new Shape(8, 128);
     * Workload.of(pretraining, adam(), tokens, tokens, tokens, new Shape(8, 20));
     * }</pre>
     *
     * @param inputs the shape of each input; the first dimension is the batch
     * @throws IllegalArgumentException if something is null, or there are not as many shapes as the block takes
     */
    public static Workload of(Block block, OptimizerKind optimizer, Shape... inputs) {
        OwnBlock own = OwnBlock.of(block, inputs);
        Workload step = new Workload(Architecture.BLOCK, new EnumMap<>(Option.class), own)
                .batch(own.shape().get(0));
        return (own.hasSequence() ? step.seq(own.shape().get(1)) : step).training(optimizer);
    }

    private static Workload of(Architecture architecture) {
        Map<Option, Object> values = new EnumMap<>(Option.class);
        values.putAll(architecture.sizes());
        return new Workload(architecture, values, null);
    }

    /** A stack of transformer encoder layers. */
    public static Workload transformer() {
        return of(Architecture.TRANSFORMER);
    }

    /** Fully connected layers of width {@code d_model}, ReLU between them. */
    public static Workload mlp() {
        return of(Architecture.MLP);
    }

    /** Convolution, batch norm, ReLU and pooling, {@code d_model} channels in the first layer, doubled by each. */
    public static Workload cnn() {
        return of(Architecture.CNN);
    }

    /** Stacked LSTM layers, a linear head on the last output. */
    public static Workload lstm() {
        return of(Architecture.LSTM);
    }

    /**
     * Graph attention layers (Veličković et al. 2018), a linear head for each node; the sizes are the paper's on Cora.
     *
     * <p>A sample is a graph of {@code nodes}. Dense by default: scores are {@code nodes × nodes} for each head; with
     * {@code edges} they are one for each edge and head, as PyTorch Geometric's {@code GATConv} gathers them.
     */
    public static Workload gat() {
        return of(Architecture.GAT);
    }

    /**
     * Reads a workload from the keys of a spec file: {@code model} ({@code "transformer"} by default, {@code "mlp"},
     * {@code "cnn"}, {@code "lstm"}, {@code "gat"}) and those of {@link Option}; what is left out has its default.
     *
     * @throws IllegalArgumentException for an unknown key, a wrong value, or values that do not go together
     */
    public static Workload of(Map<String, ?> spec) {
        return Spec.read(spec);
    }

    /**
     * The workload with one option changed; what the sliders and the spec file use.
     *
     * @throws IllegalArgumentException if this kind of model has no such option, or the value is wrong for it
     */
    public Workload with(Option option, Object value) {
        if (!has(option)) {
            throw new IllegalArgumentException(option.key() + " does not apply to a workload of kind "
                    + (own == null ? architecture.name().toLowerCase(Locale.ROOT) : own) + ": leave it out.");
        }
        Map<Option, Object> changed = new EnumMap<>(Option.class);
        changed.putAll(values);
        changed.put(option, option.check(value));
        return new Workload(architecture, changed, own);
    }

    /** Whether this workload has that option. */
    public boolean has(Option option) {
        return architecture.has(option) && (own == null || option != Option.SEQ || own.hasSequence());
    }

    /** An option's value, its default where it was not set. */
    public Object get(Option option) {
        return values.getOrDefault(option, option.fallback());
    }

    /** The options that were set, by spec-file key. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        values.forEach((option, value) -> map.put(option.key(), Option.plain(value)));
        return Collections.unmodifiableMap(map);
    }

    public Workload batch(long batch) {
        return with(Option.BATCH, batch);
    }

    public Workload nodes(long nodes) {
        return with(Option.NODES, nodes);
    }

    public Workload seq(long seq) {
        return with(Option.SEQ, seq);
    }

    /** Edges of each graph, loops to itself included; 0 for a dense matrix. */
    public Workload edges(long edges) {
        return with(Option.EDGES, edges);
    }

    public Workload heads(long heads) {
        return with(Option.HEADS, heads);
    }

    public Workload kvHeads(long kvHeads) {
        return with(Option.KV_HEADS, kvHeads);
    }

    public Workload dModel(long dModel) {
        return with(Option.D_MODEL, dModel);
    }

    public Workload layers(long layers) {
        return with(Option.LAYERS, layers);
    }

    public Workload ff(long ff) {
        return with(Option.FF, ff);
    }

    public Workload vocab(long vocab) {
        return with(Option.VOCAB, vocab);
    }

    public Workload features(long features) {
        return with(Option.FEATURES, features);
    }

    public Workload outputs(long outputs) {
        return with(Option.OUTPUTS, outputs);
    }

    public Workload image(long image) {
        return with(Option.IMAGE, image);
    }

    public Workload dropout(double dropout) {
        return with(Option.DROPOUT, dropout);
    }

    public Workload attention(Attention attention) {
        return with(Option.ATTENTION, attention);
    }

    public Workload precision(Precision precision) {
        return with(Option.PRECISION, precision);
    }

    /** Splits the layers into segments whose activations are recomputed in the backward pass; 0 switches it off. */
    public Workload checkpointing(long segments) {
        return with(Option.CHECKPOINTING, segments);
    }

    /** Splits the batch into this many micro-batches per optimizer step. */
    public Workload accumulation(long steps) {
        return with(Option.ACCUMULATION, steps);
    }

    /** Trains LoRA adapters of this rank on the attention projections, all else frozen; 0 trains everything. */
    public Workload loraRank(long rank) {
        return with(Option.LORA_RANK, rank);
    }

    /**
     * Trains all but the first layers, which have no gradients and no optimizer state; 0 trains everything.
     *
     * <p>What is in front of them, a projection of the input or an embedding, is frozen with them, so that autograd begins behind
     * them and saves nothing of them. DJL still holds what their code made until the step ends.
     */
    public Workload frozenLayers(long layers) {
        return with(Option.FROZEN_LAYERS, layers);
    }

    public Workload zeroGrad(ZeroGrad place) {
        return with(Option.ZERO_GRAD, place);
    }

    public Workload device(String device) {
        return with(Option.DEVICE, device);
    }

    /**
     * Trains with this optimizer; checks the whole.
     *
     * @throws IllegalArgumentException as {@link #validate()}
     */
    public Workload training(OptimizerKind optimizer) {
        return with(Option.OPTIMIZER, optimizer).with(Option.INFERENCE, false).validate();
    }

    /**
     * Forward only; checks the whole.
     *
     * @throws IllegalArgumentException as {@link #validate()}
     */
    public Workload inference() {
        return with(Option.INFERENCE, true).validate();
    }

    public Architecture architecture() {
        return architecture;
    }

    public long batch() {
        return number(Option.BATCH);
    }

    public long nodes() {
        return number(Option.NODES);
    }

    public long seq() {
        return number(Option.SEQ);
    }

    public long edges() {
        return number(Option.EDGES);
    }

    public long heads() {
        return number(Option.HEADS);
    }

    /** Key and value heads: {@code heads} unless grouped. */
    public long kvHeads() {
        long grouped = number(Option.KV_HEADS);
        return grouped == 0 ? heads() : grouped;
    }

    public long dModel() {
        return number(Option.D_MODEL);
    }

    /** Layers in the stack; of a block of your own, those that checkpointing can part. */
    public long layers() {
        return own == null ? number(Option.LAYERS) : own.layers();
    }

    public long ff() {
        return number(Option.FF);
    }

    public long vocab() {
        return number(Option.VOCAB);
    }

    /** Numbers at each position of the input; {@code d_model} where not set. */
    public long features() {
        long features = number(Option.FEATURES);
        return features == 0 ? dModel() : features;
    }

    /** Whether a linear projection brings the features to {@code d_model}. */
    public boolean projectsInput() {
        return number(Option.FEATURES) != 0;
    }

    public long outputs() {
        return number(Option.OUTPUTS);
    }

    public long image() {
        return number(Option.IMAGE);
    }

    public double dropout() {
        return (Double) get(Option.DROPOUT);
    }

    public Attention attention() {
        return (Attention) get(Option.ATTENTION);
    }

    public Precision precision() {
        return (Precision) get(Option.PRECISION);
    }

    public OptimizerKind optimizer() {
        return (OptimizerKind) get(Option.OPTIMIZER);
    }

    public long checkpointing() {
        return number(Option.CHECKPOINTING);
    }

    public long accumulation() {
        return number(Option.ACCUMULATION);
    }

    public long loraRank() {
        return number(Option.LORA_RANK);
    }

    /** How many of the first layers are not trained; 0 of a model that has no such option. */
    public long frozenLayers() {
        return has(Option.FROZEN_LAYERS) ? number(Option.FROZEN_LAYERS) : 0;
    }

    public ZeroGrad zeroGrad() {
        return (ZeroGrad) get(Option.ZERO_GRAD);
    }

    public String device() {
        return (String) get(Option.DEVICE);
    }

    public boolean isInference() {
        return flag(Option.INFERENCE);
    }

    /** A whole-number option's value. */
    public long number(Option option) {
        return (Long) get(option);
    }

    /** A yes-or-no option's value. */
    public boolean flag(Option option) {
        return (Boolean) get(option);
    }

    /** Samples that go through the model at once: the batch over the accumulation steps, rounded up; in inference all. */
    public long microBatch() {
        return isInference() ? batch() : (batch() - 1) / accumulation() + 1;
    }

    /** Sequences that go through the model at once: micro-batch × nodes; graphs of a graph attention network. */
    public long sequences() {
        return architecture == Architecture.GAT ? microBatch() : Bytes.times(microBatch(), nodes());
    }

    /** How many parts of a sample see each other: positions of a sequence, nodes of a graph attention network; else 0. */
    public long length() {
        return architecture == Architecture.GAT ? nodes() : has(Option.SEQ) ? seq() : 0;
    }

    /** The workload with another {@link #length()}. */
    public Workload length(long length) {
        return architecture == Architecture.GAT ? nodes(length) : seq(length);
    }

    /** Batches that the loader holds ready: each worker's, two where it is not said, as PyTorch has it. */
    public long batchesAhead() {
        long workers = number(Option.WORKERS);
        long prefetch = number(Option.PREFETCH);
        return workers == 0 ? prefetch : Bytes.times(workers, prefetch == 0 ? 2 : prefetch);
    }

    /** The shape of the model's input for one micro-batch. */
    public Shape inputShape() {
        return inputShape(sequences());
    }

    /** The shape of the model's input for that many sequences (samples). */
    public Shape inputShape(long sequences) {
        return switch (architecture) {
            case TRANSFORMER -> vocab() > 0 ? new Shape(sequences, seq()) : new Shape(sequences, seq(), features());
            case LSTM -> new Shape(sequences, seq(), features());
            case MLP -> new Shape(sequences, features());
            case CNN -> new Shape(sequences, features(), image(), image());
            case GAT -> new Shape(sequences, nodes(), features());
            case BLOCK -> own.input(sequences, seq());
        };
    }

    /** The shapes of all inputs for that many sequences: one, unless a block of your own takes several. */
    public List<Shape> inputShapes(long sequences) {
        return own == null || own.shapes().size() == 1 ? List.of(inputShape(sequences)) : own.inputs(sequences);
    }

    /** How many of a block's results the loss is taken of: of two where it ends in one of DJL's BERT blocks, else of the first. */
    public int results() {
        return own != null && own.endsInBert() ? 2 : 1;
    }

    /**
     * The block that {@link #of(Block, Shape, OptimizerKind)} was given.
     *
     * @throws IllegalStateException if the model is described by sizes
     */
    public Block block() {
        if (own == null) {
            throw new IllegalStateException("a workload of sizes has no block of its own: use newBlock().");
        }
        return own.block();
    }

    /** Whether {@link #of(Block, Shape, OptimizerKind)} was given a block of your own. */
    public boolean isOwnBlock() {
        return own != null;
    }

    /** Whether the input of a block of your own is tokens: its first layer is an embedding. */
    public boolean takesTokens() {
        return own != null && own.takesTokens();
    }

    /**
     * A new, uninitialized DJL block of these sizes, which the caller initializes with {@link #inputShape()}; or the block of
     * your own, as it is.
     */
    public Block newBlock() {
        return BlockBuilder.build(validate());
    }

    /**
     * Checks how the values go together.
     *
     * @return this
     * @throws IllegalArgumentException if they do not; the message names the arguments, their values and a way out
     * @throws ArithmeticException if a tensor would be beyond 2⁶³ bytes
     */
    public Workload validate() {
        Validation.check(this);
        return this;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Workload that
                && architecture == that.architecture
                && values.equals(that.values)
                && Objects.equals(own, that.own);
    }

    @Override
    public int hashCode() {
        return Objects.hash(architecture, values, own);
    }

    /** One line: {@code transformer batch=64 nodes=25 seq=80 …}. */
    @Override
    public String toString() {
        return toMap().entrySet().stream()
                .map(entry -> " " + entry.getKey() + "=" + entry.getValue())
                .collect(Collectors.joining(
                        "", own == null ? architecture.name().toLowerCase(Locale.ROOT) : own.toString(), ""));
    }
}
