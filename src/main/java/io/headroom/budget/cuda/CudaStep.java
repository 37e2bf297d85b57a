package io.headroom.budget.cuda;

import io.headroom.trace.Trace;
import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.LoraAdapters;
import io.headroom.workload.preset.Preset;

/**
 * Training steps or forward passes of a published model on a CUDA device, followed operator by operator with no GPU, no weights.
 *
 * <pre>{@code
 * CudaStep step = CudaStep.of(Preset.named("openai-community/gpt2"))
 *         .optimizer(OptimizerKind.ADAMW).batch(35).seq(128).build();
 * step.estimate().deviceBytes();    // what nvidia-smi would show above the empty context
 * step.trace();                     // every allocation and free, in PyTorch's order
 * }</pre>
 *
 * <p>Immutable and safe for any number of threads. The loop is {@code outputs = model(...); loss.backward();
 * optimizer.step()} with the cross-entropy loss of the model; with {@code inference} it is {@code outputs = model(...)} of
 * {@code model.eval()} under {@code torch.no_grad()}, the whole prompt at once. Sources are named where each operator is written.
 *
 * @param precision of weights, gradients and optimizer states
 * @param autocast the half type of {@code torch.autocast} around the forward pass, {@code FP16} or {@code BF16}; null without
 * @param attention null for what the library takes by itself
 * @param keepOutputs whether the variable that holds the output lives until the next forward pass has ended
 * @param segments how many segments of layers keep only their input and are computed again in the backward pass (gradient
 *     checkpointing); 0 for none
 * @param card total bytes of the card, as its driver says, whose allocator gives cached segments back before it fails; 0 for
 *     one without a limit
 * @param capability compute capability of the card, times ten; {@link Card#UNKNOWN} where only its size is known
 * @param steps how many steps run; the peak can fall in any of them
 * @param loraRank rank of LoRA adapters where PEFT puts them, beside frozen weights; 0 to train the weights
 * @param newTokens how many tokens each step generates behind a prompt of {@code seq}, in inference; 0 for the prompt alone
 * @param inference whether forward passes run alone, without labels and loss: nothing is saved, there are no gradients, no optimizer
 *     and no {@code segments}
 */
public record CudaStep(
        Preset model,
        OptimizerKind optimizer,
        long batch,
        long seq,
        long image,
        Precision precision,
        Precision autocast,
        Attention attention,
        ZeroGrad zeroGrad,
        boolean keepOutputs,
        long segments,
        long card,
        int capability,
        int steps,
        long loraRank,
        long newTokens,
        boolean inference) {
    private static final long LARGEST = 1L << 24;
    private static final int MOST_STEPS = 100;

    /**
     * Checks that the step can run.
     *
     * @throws IllegalArgumentException naming the argument, its value and what to do instead
     */
    public CudaStep {
        within("batch", batch);
        within("seq", seq);
        within("image", image);
        if (steps < 1 || steps > MOST_STEPS) {
            throw new IllegalArgumentException("steps " + steps + " must be from 1 to " + MOST_STEPS + ".");
        }
        if (model.image() != null) {
            Limits.checkImage(model, batch, image, !inference);
            if (attention != null) {
                throw new IllegalArgumentException("attention " + attention + " does not apply to " + model.name()
                        + ", which has none. Leave it out.");
            }
        } else {
            Limits.check(model, seq, attention);
        }
        if (inference) {
            segments = 0;
        } else {
            Limits.checkSegments(model, segments);
        }
        Limits.checkRank(model, loraRank);
        Limits.checkTokens(model, seq, newTokens, inference, autocast != null || precision == Precision.AUTOCAST);
        if (card != 0 && card < CudaEstimate.CONTEXT_BYTES) {
            throw new IllegalArgumentException("card " + card + " bytes is less than a CUDA context takes ("
                    + Bytes.format(CudaEstimate.CONTEXT_BYTES)
                    + "): give the total bytes of a card, as Cards.named(\"RTX 4090\") has them, or 0 for no limit.");
        }
        if (precision == Precision.AUTOCAST) {
            precision = Precision.FP32;
            autocast = autocast == null ? Precision.FP16 : autocast;
        }
        if (autocast != null && (precision != Precision.FP32 || autocast.weightBytes() != 2)) {
            throw new IllegalArgumentException("autocast " + autocast + " with weights in " + precision
                    + ": autocast computes in FP16 or BF16 with weights in FP32.");
        }
        if (attention == Attention.CHUNKED) {
            throw new IllegalArgumentException(
                    "attention CHUNKED is no choice of transformers on CUDA: take EAGER or SDPA.");
        }
    }

    private static void within(String name, long value) {
        if (value < 1 || value > LARGEST) {
            throw new IllegalArgumentException(name + " " + value + " must be from 1 to " + LARGEST + ".");
        }
    }

    /** A step of that model: batch 1, sequence 128 or image 224, fp32, AdamW, gradients dropped before the forward. */
    public static Builder of(Preset model) {
        return new Builder(model);
    }

    /** The same step, to be changed. */
    public Builder toBuilder() {
        return new Builder(model)
                .optimizer(optimizer)
                .batch(batch)
                .seq(seq)
                .image(image)
                .precision(precision)
                .autocast(autocast)
                .attention(attention)
                .zeroGrad(zeroGrad)
                .keepOutputs(keepOutputs)
                .checkpointing(segments)
                .card(card, capability)
                .steps(steps)
                .loraRank(loraRank)
                .newTokens(newTokens)
                .inference(inference);
    }

    /** Every allocation and free of the steps, in order. */
    public Trace trace() {
        return CudaRun.trace(this);
    }

    /** The peaks of the steps; some milliseconds. */
    public CudaEstimate estimate() {
        return CudaEstimate.of(this);
    }

    /** Collects what differs from the usual. */
    public static final class Builder {
        private final Preset model;
        private OptimizerKind optimizer = OptimizerKind.ADAMW;
        private long batch = 1;
        private long seq = 128;
        private long image = 224;
        private Precision precision = Precision.FP32;
        private Precision autocast;
        private Attention attention;
        private ZeroGrad zeroGrad = ZeroGrad.BEFORE_FORWARD;
        private Boolean keepOutputs;
        private long segments;
        private long card;
        private int capability;
        private int steps = 4;
        private long loraRank;
        private long newTokens;
        private boolean inference;

        private Builder(Preset model) {
            this.model = model;
        }

        /** The optimizer, with PyTorch's defaults. */
        public Builder optimizer(OptimizerKind value) {
            optimizer = value;
            return this;
        }

        /** Samples in a batch. */
        public Builder batch(long value) {
            batch = value;
            return this;
        }

        /** Tokens in a sample. */
        public Builder seq(long value) {
            seq = value;
            return this;
        }

        /** Pixels along one side of an image. */
        public Builder image(long value) {
            image = value;
            return this;
        }

        /** Width of weights and activations; {@code AUTOCAST} is FP32 with {@code autocast(FP16)}. */
        public Builder precision(Precision value) {
            precision = value;
            return this;
        }

        /** The half type of {@code torch.autocast} around the forward pass; null for none. */
        public Builder autocast(Precision value) {
            autocast = value;
            return this;
        }

        /** How attention is computed; null for the library's own choice. */
        public Builder attention(Attention value) {
            attention = value;
            return this;
        }

        /** Where gradients are dropped. */
        public Builder zeroGrad(ZeroGrad value) {
            zeroGrad = value;
            return this;
        }

        /** Whether the output of a step lives until the next forward pass has ended: by itself in training, not in inference. */
        public Builder keepOutputs(boolean value) {
            keepOutputs = value;
            return this;
        }

        /** Gradient checkpointing of every layer, as transformers' {@code gradient_checkpointing_enable}; false for none. */
        public Builder checkpointing(boolean value) {
            return checkpointing(
                    value && model.language() != null ? model.language().layers() : value ? 1 : 0);
        }

        /** Gradient checkpointing of so many segments of equally many layers; 0 for none. */
        public Builder checkpointing(long value) {
            segments = value;
            return this;
        }

        /** Total bytes of a card of which no more is known; 0 for no limit. */
        public Builder card(long value) {
            return card(value, Card.UNKNOWN);
        }

        /** The card, of which the compute capability may be known: cuBLAS takes more on some. */
        public Builder card(Card value) {
            return card(value.bytes(), value.capability());
        }

        private Builder card(long bytes, int knownCapability) {
            card = bytes;
            capability = knownCapability;
            return this;
        }

        /** How many steps run. */
        public Builder steps(int value) {
            steps = value;
            return this;
        }

        /** Rank of the LoRA adapters that PEFT adds by itself ({@link LoraAdapters}), all weights frozen; 0 for none. */
        public Builder loraRank(long value) {
            loraRank = value;
            return this;
        }

        /** Tokens generated behind the prompt as transformers' {@code generate} does, in inference alone; 0 for none. */
        public Builder newTokens(long value) {
            newTokens = value;
            return this;
        }

        /** The forward pass alone, as {@code model.eval()} under {@code torch.no_grad()} runs it. */
        public Builder inference(boolean value) {
            inference = value;
            return this;
        }

        /**
         * The step.
         *
         * @throws IllegalArgumentException naming the argument that cannot be, its value and what to do instead
         */
        public CudaStep build() {
            return new CudaStep(
                    model,
                    optimizer,
                    batch,
                    seq,
                    image,
                    precision,
                    autocast,
                    attention,
                    zeroGrad,
                    keepOutputs == null ? !inference : keepOutputs,
                    segments,
                    card,
                    capability,
                    steps,
                    loraRank,
                    newTokens,
                    inference);
        }
    }
}
