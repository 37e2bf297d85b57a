package io.headroom.workload.preset;

import java.util.List;

/**
 * One layer of an image network, named as torchvision names it; a network is a list of them.
 *
 * <p>Immutable values. {@code Residual}, {@code Module} and {@code SqueezeExcitation} hold layers of their own.
 */
public sealed interface Layer {
    /** A two-dimensional convolution. */
    record Convolution(long in, long out, long kernel, long stride, long padding, long groups, boolean bias)
            implements Layer {}

    /** Batch normalisation with its running mean, variance and count of batches. */
    record BatchNorm(long channels) implements Layer {}

    /** Layer normalisation over channels of an image: permuted to channels-last and back, as ConvNeXt does. */
    record ChannelNorm(long channels) implements Layer {}

    /** An activation; in place it overwrites its input. */
    record Activation(Kind kind, boolean inPlace) implements Layer {
        /** Which function. */
        public enum Kind {
            RELU,
            RELU6,
            HARDSWISH,
            GELU
        }
    }

    /** Maximum over windows. */
    record MaxPool(long kernel, long stride, long padding) implements Layer {}

    /** Mean over windows so that {@code size × size} remain. */
    record AveragePool(long size) implements Layer {}

    /** The mean over all places as MnasNet writes it, {@code x.mean([2, 3])}. */
    record Mean() implements Layer {}

    /** Channels and places as one vector. */
    record Flatten() implements Layer {}

    /** A fully connected layer. */
    record Linear(long in, long out) implements Layer {}

    /** Random zeros. */
    record Dropout(double p, boolean inPlace) implements Layer {}

    /**
     * A branch added to its input.
     *
     * @param shortcut layers on the input; empty to add it as it is
     * @param shortcutFirst whether the shortcut is computed before the branch
     * @param inPlace whether the sum overwrites the branch
     */
    record Residual(List<Layer> body, List<Layer> shortcut, boolean shortcutFirst, boolean inPlace) implements Layer {}

    /** Layers called as one module, whose caller holds their input until they return. */
    record Module(List<Layer> layers) implements Layer {}

    /** Channels weighted by what a small network makes of their means. */
    record SqueezeExcitation(long channels, long squeezed, boolean hard) implements Layer {}

    /** ConvNeXt's block: depthwise 7×7, then a two-layer perceptron on channels-last, scaled and added. */
    record ConvNeXtBlock(long channels, double dropPath) implements Layer {}
}
