package io.headroom.workload;

import java.util.EnumSet;
import java.util.Set;

/** The kinds of model a workload can describe by sizes alone. */
public enum Architecture {
    /** A stack of transformer encoder layers on {@code [batch × nodes, seq, features]}. */
    TRANSFORMER(
            Option.NODES,
            Option.SEQ,
            Option.HEADS,
            Option.KV_HEADS,
            Option.D_MODEL,
            Option.LAYERS,
            Option.FF,
            Option.VOCAB,
            Option.FEATURES,
            Option.OUTPUTS,
            Option.DROPOUT,
            Option.ATTENTION,
            Option.CHUNKS,
            Option.POSITIONS,
            Option.LORA_RANK,
            Option.TIED,
            Option.NEW_TOKENS),
    /** Fully connected layers on {@code [batch, features]}. */
    MLP(Option.NODES, Option.D_MODEL, Option.LAYERS, Option.FEATURES, Option.OUTPUTS, Option.DROPOUT),
    /** Convolution, batch norm, ReLU and pooling on {@code [batch, features, image, image]}. */
    CNN(Option.NODES, Option.D_MODEL, Option.LAYERS, Option.FEATURES, Option.OUTPUTS, Option.IMAGE),
    /** Stacked LSTM layers on {@code [batch, seq, features]}. */
    LSTM(Option.NODES, Option.SEQ, Option.D_MODEL, Option.LAYERS, Option.FEATURES, Option.OUTPUTS, Option.DROPOUT),
    /** Graph attention layers on {@code [batch, nodes, features]}. */
    GAT(
            Option.NODES,
            Option.EDGES,
            Option.HEADS,
            Option.D_MODEL,
            Option.LAYERS,
            Option.FEATURES,
            Option.OUTPUTS,
            Option.DROPOUT),
    /** A DJL block of the user's, with its input shape. */
    BLOCK(Option.SEQ);

    private static final Set<Option> EVERYWHERE = EnumSet.of(
            Option.BATCH,
            Option.PRECISION,
            Option.OPTIMIZER,
            Option.CHECKPOINTING,
            Option.ACCUMULATION,
            Option.ZERO_GRAD,
            Option.DEVICE,
            Option.INFERENCE,
            Option.FOREACH,
            Option.SHARDING,
            Option.DEVICES,
            Option.PREFETCH,
            Option.WORKERS,
            Option.PINNED);

    private final Set<Option> own;

    Architecture(Option... own) {
        this.own = own.length == 0 ? EnumSet.noneOf(Option.class) : EnumSet.of(own[0], own);
    }

    /** Whether this kind of model has that option; a {@link #BLOCK} has {@code seq} where its input is sequences. */
    public boolean has(Option option) {
        return own.contains(option) || EVERYWHERE.contains(option) && !(this == BLOCK && option == Option.PRECISION);
    }
}
