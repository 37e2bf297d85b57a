package io.headroom.workload.preset;

import io.headroom.units.Bytes;
import java.util.List;

/**
 * A transformer of Hugging Face by its hyperparameters, named as its config.json names their meaning.
 *
 * <pre>{@code
 * LanguageModel.of(Family.GPT2).build().parameters();   // 124439808
 * LanguageModel.of(Family.GPT2).hidden(1024).layers(24).heads(16).intermediate(4096).build().parameters();
 * }</pre>
 *
 * <p>Immutable. Sizes are checked when it is built.
 *
 * @param hidden width of the residual stream
 * @param heads query heads; {@code keyValueHeads} of them keep keys and values (grouped-query attention)
 * @param headWidth width of one head, which need not be {@code hidden / heads}
 * @param intermediate width of the feed-forward layer
 * @param embedding width of the token embeddings; other than {@code hidden} it brings projections (OPT-350m)
 * @param positions length of the position table or of the relative positions; 0 without one
 * @param types rows of BERT's token-type table
 * @param dropout of residual branches; {@code embeddingDropout} of the embeddings, {@code attentionDropout} of the attention weights
 * @param activation {@code gelu_new}, {@code gelu}, {@code relu}, {@code silu} or {@code gelu_pytorch_tanh}
 * @param tied whether the output layer is the embedding table
 * @param normFirst whether the norm comes before each branch (OPT-350m: after)
 * @param cache whether keys and values are returned with the output, as {@code use_cache} says
 */
public record LanguageModel(
        Family family,
        long vocab,
        long positions,
        long types,
        long hidden,
        long layers,
        long heads,
        long keyValueHeads,
        long headWidth,
        long intermediate,
        long embedding,
        double dropout,
        double embeddingDropout,
        double attentionDropout,
        String activation,
        boolean tied,
        boolean normFirst,
        boolean cache) {
    private static final long MOST_LAYERS = 1000;
    private static final long LARGEST = 1L << 32;

    /** A family with the defaults of its configuration class, {@code configuration_*.py} of transformers 4.51.3. */
    public static Builder of(Family family) {
        Builder base = new Builder(family);
        return switch (family) {
            case GPT2 ->
                base.vocab(50257)
                        .positions(1024)
                        .dropout(0.1)
                        .attentionDropout(0.1)
                        .activation("gelu_new")
                        .tied(true);
            case GPT_NEO ->
                base.sizes(2048, 24, 16)
                        .vocab(50257)
                        .positions(2048)
                        .activation("gelu_new")
                        .tied(true);
            case OPT ->
                base.intermediate(3072)
                        .vocab(50272)
                        .positions(2050)
                        .dropout(0.1)
                        .activation("relu")
                        .tied(true);
            case GPT_NEOX ->
                base.sizes(6144, 44, 64).intermediate(24576).vocab(50432).activation("gelu");
            case T5 ->
                base.sizes(512, 6, 8)
                        .headWidth(64)
                        .intermediate(2048)
                        .vocab(32128)
                        .positions(32)
                        .dropout(0.1)
                        .attentionDropout(0.1)
                        .activation("relu")
                        .tied(true);
            case BERT -> base.encoder().vocab(30522).types(2);
            case DEBERTA -> base.encoder().vocab(50265);
            case LLAMA ->
                base.sizes(4096, 32, 32).intermediate(11008).vocab(32000).activation("silu");
            case QWEN2 -> base.qwen();
            case QWEN3 -> base.qwen().headWidth(128);
            case GEMMA2 ->
                base.sizes(2304, 26, 8)
                        .keyValueHeads(4)
                        .headWidth(256)
                        .intermediate(9216)
                        .vocab(256000)
                        .activation("gelu_pytorch_tanh")
                        .tied(true);
        };
    }

    /** Every weight and buffer in the order in which {@code model.to(device)} moves them. */
    public List<Weight> weights() {
        return LanguageWeights.of(this);
    }

    /** How many values are trained; a shared table counts once. */
    public long parameters() {
        return weights().stream()
                .filter(Weight::trained)
                .mapToLong(Weight::count)
                .reduce(0, (sum, count) -> Bytes.plus(sum, count));
    }

    /** Collects sizes; what is not said is the configuration class's, a size of 0 follows from the rest. */
    public static final class Builder {
        private final Family family;
        private long vocab;
        private long positions;
        private long types;
        private long hidden = 768;
        private long layers = 12;
        private long heads = 12;
        private long keyValueHeads;
        private long headWidth;
        private long intermediate;
        private long embedding;
        private double dropout;
        private double embeddingDropout = Double.NaN;
        private double attentionDropout;
        private String activation = "gelu";
        private boolean tied;
        private boolean normFirst = true;
        private boolean cache = true;

        private Builder(Family family) {
            this.family = family;
        }

        private Builder sizes(long width, long depth, long count) {
            return hidden(width).layers(depth).heads(count);
        }

        private Builder encoder() {
            return intermediate(3072)
                    .positions(512)
                    .dropout(0.1)
                    .attentionDropout(0.1)
                    .activation("gelu")
                    .tied(true);
        }

        private Builder qwen() {
            return sizes(4096, 32, 32)
                    .keyValueHeads(32)
                    .intermediate(22016)
                    .vocab(151936)
                    .activation("silu");
        }

        /** Tokens of the vocabulary. */
        public Builder vocab(long value) {
            vocab = value;
            return this;
        }

        /** Rows of the position table. */
        public Builder positions(long value) {
            positions = value;
            return this;
        }

        /** Rows of the token-type table. */
        public Builder types(long value) {
            types = value;
            return this;
        }

        /** Width of the residual stream. */
        public Builder hidden(long value) {
            hidden = value;
            return this;
        }

        /** Layers (of the encoder and of the decoder, each). */
        public Builder layers(long value) {
            layers = value;
            return this;
        }

        /** Query heads. */
        public Builder heads(long value) {
            heads = value;
            return this;
        }

        /** Heads of keys and values; 0 for as many as query heads. */
        public Builder keyValueHeads(long value) {
            keyValueHeads = value;
            return this;
        }

        /** Width of one head; 0 for hidden / heads. */
        public Builder headWidth(long value) {
            headWidth = value;
            return this;
        }

        /** Width of the feed-forward layer; 0 for four times hidden. */
        public Builder intermediate(long value) {
            intermediate = value;
            return this;
        }

        /** Width of the token embeddings; hidden unless said. */
        public Builder embedding(long value) {
            embedding = value;
            return this;
        }

        /** Dropout of the branches, and of the embeddings unless said. */
        public Builder dropout(double value) {
            dropout = value;
            return this;
        }

        /** Dropout of the embeddings, which GPT-2 and GPT-Neo name apart. */
        public Builder embeddingDropout(double value) {
            embeddingDropout = value;
            return this;
        }

        /** Dropout of the attention weights. */
        public Builder attentionDropout(double value) {
            attentionDropout = value;
            return this;
        }

        /** Activation of the feed-forward layer. */
        public Builder activation(String value) {
            activation = value;
            return this;
        }

        /** Whether the output layer is the embedding table. */
        public Builder tied(boolean value) {
            tied = value;
            return this;
        }

        /** Whether the norm comes before each branch. */
        public Builder normFirst(boolean value) {
            normFirst = value;
            return this;
        }

        /** Whether keys and values are returned with the output. */
        public Builder cache(boolean value) {
            cache = value;
            return this;
        }

        /**
         * The model.
         *
         * @throws IllegalArgumentException naming the size that cannot be built, its value and what it must be
         */
        public LanguageModel build() {
            positive("vocab_size", vocab);
            positive("hidden_size", hidden);
            positive("num_hidden_layers", layers);
            positive("num_attention_heads", heads);
            long groups = keyValueHeads == 0 ? heads : keyValueHeads;
            long width = headWidth == 0 ? hidden / heads : headWidth;
            long forward = intermediate == 0 ? 4 * hidden : intermediate;
            long tokens = embedding == 0 ? hidden : embedding;
            positive("num_key_value_heads", groups);
            positive("head_dim", width);
            positive("intermediate_size", forward);
            positive("word_embed_proj_dim", tokens);
            Bytes.times(heads, width);
            if (heads % groups != 0) {
                throw new IllegalArgumentException(
                        "num_attention_heads " + heads + " must be a multiple of num_key_value_heads " + groups + ".");
            }
            checkHeads(width);
            if (layers > MOST_LAYERS) {
                throw new IllegalArgumentException(
                        "num_hidden_layers " + layers + " must be at most " + MOST_LAYERS + ".");
            }
            return new LanguageModel(
                    family,
                    vocab,
                    positions,
                    types,
                    hidden,
                    layers,
                    heads,
                    groups,
                    width,
                    forward,
                    tokens,
                    dropout,
                    Double.isNaN(embeddingDropout) ? dropout : embeddingDropout,
                    attentionDropout,
                    activation,
                    tied,
                    normFirst,
                    cache);
        }

        /** As the attention of each modeling file refuses it, or fails where angles and heads do not fit. */
        private void checkHeads(long width) {
            switch (family) {
                case GPT2, GPT_NEO, GPT_NEOX, OPT, BERT, DEBERTA -> {
                    if (heads * width != hidden) {
                        throw new IllegalArgumentException("hidden_size " + hidden
                                + " must be a multiple of num_attention_heads " + heads + " in " + family.modelType()
                                + ".");
                    }
                }
                case LLAMA, QWEN2, QWEN3, GEMMA2 -> {
                    if (width % 2 != 0) {
                        throw new IllegalArgumentException(
                                "head_dim " + width
                                        + " must be even: its halves are rotated. It is hidden_size / num_attention_heads where it is not given.");
                    }
                }
                case T5 -> {}
            }
        }

        private static void positive(String name, long value) {
            if (value <= 0 || value > LARGEST) {
                throw new IllegalArgumentException(
                        name + " " + value + " must be a whole number from 1 to " + LARGEST + ".");
            }
        }
    }
}
