package io.headroom.workload;

import java.util.EnumSet;
import java.util.Map;
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
            Option.FROZEN_LAYERS,
            Option.TIED,
            Option.NEW_TOKENS),
    /** Fully connected layers on {@code [batch, features]}. */
    MLP(
            Option.NODES,
            Option.D_MODEL,
            Option.LAYERS,
            Option.FEATURES,
            Option.OUTPUTS,
            Option.DROPOUT,
            Option.FROZEN_LAYERS),
    /** Convolution, batch norm, ReLU and pooling on {@code [batch, features, image, image]}. */
    CNN(
            Option.NODES,
            Option.D_MODEL,
            Option.LAYERS,
            Option.FEATURES,
            Option.OUTPUTS,
            Option.IMAGE,
            Option.FROZEN_LAYERS),
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

    /** The sizes that a model of this kind starts with, where they are not the options' defaults. */
    Map<Option, Object> sizes() {
        return switch (this) {
            case MLP -> Map.of(Option.FEATURES, 784L, Option.OUTPUTS, 10L, Option.DROPOUT, 0.0);
            case CNN -> Map.of(Option.FEATURES, 3L, Option.OUTPUTS, 10L, Option.D_MODEL, 32L, Option.LAYERS, 3L);
            case LSTM -> Map.of(Option.FEATURES, 16L, Option.D_MODEL, 128L, Option.LAYERS, 1L, Option.DROPOUT, 0.0);
            case GAT ->
                Map.of(
                        Option.NODES, 2708L,
                        Option.D_MODEL, 64L,
                        Option.LAYERS, 2L,
                        Option.FEATURES, 1433L,
                        Option.OUTPUTS, 7L,
                        Option.DROPOUT, 0.6);
            case TRANSFORMER, BLOCK -> Map.of();
        };
    }

    /** Whether this kind of model has that option; a {@link #BLOCK} has {@code seq} where its input is sequences. */
    public boolean has(Option option) {
        return own.contains(option) || EVERYWHERE.contains(option) && !(this == BLOCK && option == Option.PRECISION);
    }
}
