package io.headroom.workload.preset;

import java.util.ArrayList;
import java.util.List;

/**
 * A convolutional network of torchvision as a list of layers.
 *
 * <pre>{@code
 * ImageModel vgg = Networks.named("VGG16", 1000);
 * vgg.parameters();        // 138357544
 * vgg.smallestImage();     // 32
 * }</pre>
 *
 * <p>Immutable.
 *
 * @param classes width of the last layer
 */
public record ImageModel(String name, long classes, List<Layer> layers) {
    private static final int FLOAT = 4;
    private static final int LONG = 8;

    /** Every weight and buffer in the order in which {@code model.to(device)} moves them. */
    public List<Weight> weights() {
        List<Weight> weights = new ArrayList<>();
        collect("", layers, weights);
        return List.copyOf(weights);
    }

    /** How many values are trained. */
    public long parameters() {
        return weights().stream()
                .filter(Weight::trained)
                .mapToLong(Weight::count)
                .sum();
    }

    /** The smallest square image that leaves a place in every layer. */
    public long smallestImage() {
        long size = 1;
        while (after(layers, size, new long[1]) < 1) {
            size++;
        }
        return size;
    }

    /** Places along one side of the smallest image that a batch norm sees of such an image; 2^63 - 1 without one. */
    public long smallestNormalizedSide(long image) {
        long[] least = {Long.MAX_VALUE};
        after(layers, image, least);
        return least[0];
    }

    /** Whether batch norm makes its results depend on the size of the batch. */
    public boolean normalizesBatches() {
        return smallestNormalizedSide(smallestImage()) < Long.MAX_VALUE;
    }

    private static long after(List<Layer> layers, long size, long[] least) {
        for (Layer layer : layers) {
            if (layer instanceof Layer.Convolution c) {
                size = windows(size, c.kernel(), c.stride(), c.padding());
            } else if (layer instanceof Layer.BatchNorm) {
                least[0] = Math.min(least[0], size);
            } else if (layer instanceof Layer.MaxPool p) {
                size = windows(size, p.kernel(), p.stride(), p.padding());
            } else if (layer instanceof Layer.Residual r) {
                size = after(r.body(), size, least);
            } else if (layer instanceof Layer.Module m) {
                size = after(m.layers(), size, least);
            } else if (layer instanceof Layer.AveragePool || layer instanceof Layer.Mean) {
                return size;
            }
            if (size < 1) {
                return 0;
            }
        }
        return size;
    }

    /** How many places a window takes along one side; 0 where it does not fit. */
    public static long windows(long size, long kernel, long stride, long padding) {
        long free = size + 2 * padding - kernel;
        return free < 0 ? 0 : free / stride + 1;
    }

    private static void collect(String prefix, List<Layer> layers, List<Weight> to) {
        for (int i = 0; i < layers.size(); i++) {
            collect(prefix + i, layers.get(i), to);
        }
    }

    private static void collect(String name, Layer layer, List<Weight> to) {
        if (layer instanceof Layer.Convolution c) {
            convolution(name, c, to);
        } else if (layer instanceof Layer.BatchNorm b) {
            pair(name, b.channels(), to);
            buffer(name + ".running_mean", FLOAT, List.of(b.channels()), to);
            buffer(name + ".running_var", FLOAT, List.of(b.channels()), to);
            buffer(name + ".num_batches_tracked", LONG, List.of(), to);
        } else if (layer instanceof Layer.ChannelNorm n) {
            pair(name, n.channels(), to);
        } else if (layer instanceof Layer.Linear l) {
            weight(name + ".weight", List.of(l.out(), l.in()), to);
            weight(name + ".bias", List.of(l.out()), to);
        } else if (layer instanceof Layer.Module m) {
            collect(name + ".", m.layers(), to);
        } else if (layer instanceof Layer.Residual r) {
            collect(
                    name + (r.shortcutFirst() ? ".shortcut." : ".body."),
                    r.shortcutFirst() ? r.shortcut() : r.body(),
                    to);
            collect(
                    name + (r.shortcutFirst() ? ".body." : ".shortcut."),
                    r.shortcutFirst() ? r.body() : r.shortcut(),
                    to);
        } else if (layer instanceof Layer.SqueezeExcitation s) {
            convolution(name + ".fc1", new Layer.Convolution(s.channels(), s.squeezed(), 1, 1, 0, 1, true), to);
            convolution(name + ".fc2", new Layer.Convolution(s.squeezed(), s.channels(), 1, 1, 0, 1, true), to);
        } else if (layer instanceof Layer.ConvNeXtBlock b) {
            long c = b.channels();
            convolution(name + ".dw", new Layer.Convolution(c, c, 7, 1, 3, c, true), to);
            pair(name + ".norm", c, to);
            weight(name + ".up.weight", List.of(4 * c, c), to);
            weight(name + ".up.bias", List.of(4 * c), to);
            weight(name + ".down.weight", List.of(c, 4 * c), to);
            weight(name + ".down.bias", List.of(c), to);
            weight(name + ".layer_scale", List.of(c, 1L, 1L), to);
        }
    }

    private static void convolution(String name, Layer.Convolution c, List<Weight> to) {
        weight(name + ".weight", List.of(c.out(), c.in() / c.groups(), c.kernel(), c.kernel()), to);
        if (c.bias()) {
            weight(name + ".bias", List.of(c.out()), to);
        }
    }

    private static void pair(String name, long width, List<Weight> to) {
        weight(name + ".weight", List.of(width), to);
        weight(name + ".bias", List.of(width), to);
    }

    private static void weight(String name, List<Long> shape, List<Weight> to) {
        to.add(new Weight(name, shape, true, FLOAT));
    }

    private static void buffer(String name, int element, List<Long> shape, List<Weight> to) {
        to.add(new Weight(name, shape, false, element));
    }
}
