package io.headroom.workload.preset;

import io.headroom.workload.preset.Layer.Activation;
import io.headroom.workload.preset.Layer.AveragePool;
import io.headroom.workload.preset.Layer.BatchNorm;
import io.headroom.workload.preset.Layer.ChannelNorm;
import io.headroom.workload.preset.Layer.ConvNeXtBlock;
import io.headroom.workload.preset.Layer.Convolution;
import io.headroom.workload.preset.Layer.Dropout;
import io.headroom.workload.preset.Layer.Flatten;
import io.headroom.workload.preset.Layer.Linear;
import io.headroom.workload.preset.Layer.MaxPool;
import io.headroom.workload.preset.Layer.Mean;
import io.headroom.workload.preset.Layer.Module;
import io.headroom.workload.preset.Layer.Residual;
import io.headroom.workload.preset.Layer.SqueezeExcitation;
import java.util.ArrayList;
import java.util.List;

/**
 * torchvision's convolutional networks, layer by layer.
 *
 * <p>Source: {@code torchvision/models} 0.21.
 */
final class Networks {
    private static final Activation RELU = new Activation(Activation.Kind.RELU, true);
    private static final Activation RELU6 = new Activation(Activation.Kind.RELU6, true);
    private static final Activation HARDSWISH = new Activation(Activation.Kind.HARDSWISH, true);

    private final List<Layer> layers = new ArrayList<>();

    private Networks() {}

    /** The network, or null if there is none of that name. */
    static ImageModel named(String name, long classes) {
        Networks net = new Networks();
        switch (name) {
            case "VGG16" -> net.vgg(classes, 2, 2, 3, 3, 3);
            case "VGG19" -> net.vgg(classes, 2, 2, 4, 4, 4);
            case "ResNet50" -> net.resnet(classes, 3, 4, 6, 3);
            case "ResNet101" -> net.resnet(classes, 3, 4, 23, 3);
            case "ResNet152" -> net.resnet(classes, 3, 8, 36, 3);
            case "MobileNetV2" -> net.mobileNetV2(classes);
            case "MobileNetV3Small" -> net.mobileNetV3(classes, 1024, MobileNetV3.SMALL);
            case "MobileNetV3Large" -> net.mobileNetV3(classes, 1280, MobileNetV3.LARGE);
            case "MnasNet" -> net.mnasNet(classes);
            case "ConvNeXtTiny" -> net.convNeXt(classes, 0.1, new long[] {96, 192, 384, 768}, new int[] {3, 3, 9, 3});
            case "ConvNeXtBase" ->
                net.convNeXt(classes, 0.5, new long[] {128, 256, 512, 1024}, new int[] {3, 3, 27, 3});
            case "RegNetX400MF" ->
                net.regNet(classes, 16, false, new long[] {32, 64, 160, 400}, new int[] {1, 2, 7, 12});
            case "RegNetY400MF" -> net.regNet(classes, 8, true, new long[] {48, 104, 208, 440}, new int[] {1, 3, 6, 6});
            default -> {
                return null;
            }
        }
        return new ImageModel(name, classes, List.copyOf(net.layers));
    }

    private static Layer conv(long in, long out, long kernel, long stride, long groups) {
        return new Convolution(in, out, kernel, stride, (kernel - 1) / 2, groups, false);
    }

    private static void norm(List<Layer> to, Layer convolution, long out, Activation activation) {
        to.add(convolution);
        to.add(new BatchNorm(out));
        if (activation != null) {
            to.add(activation);
        }
    }

    /** Makes a module of the layers from that one on. */
    private void module(int from) {
        List<Layer> inside = layers.subList(from, layers.size());
        Layer module = new Module(List.copyOf(inside));
        inside.clear();
        layers.add(module);
    }

    private void vgg(long classes, int... convolutions) {
        long in = 3;
        long out = 64;
        for (int stage = 0; stage < convolutions.length; stage++) {
            for (int i = 0; i < convolutions[stage]; i++) {
                layers.add(new Convolution(in, out, 3, 1, 1, 1, true));
                layers.add(RELU);
                in = out;
            }
            layers.add(new MaxPool(2, 2, 0));
            out = Math.min(512, out * 2);
        }
        layers.add(new AveragePool(7));
        layers.add(new Flatten());
        layers.add(new Linear(512 * 49, 4096));
        layers.add(RELU);
        layers.add(new Dropout(0.5, false));
        layers.add(new Linear(4096, 4096));
        layers.add(RELU);
        layers.add(new Dropout(0.5, false));
        layers.add(new Linear(4096, classes));
    }

    private void resnet(long classes, int... blocks) {
        norm(layers, conv(3, 64, 7, 2, 1), 64, RELU);
        layers.add(new MaxPool(3, 2, 1));
        long in = 64;
        for (int stage = 0; stage < blocks.length; stage++) {
            long width = 64L << stage;
            int first = layers.size();
            for (int i = 0; i < blocks[stage]; i++) {
                long stride = stage > 0 && i == 0 ? 2 : 1;
                List<Layer> body = new ArrayList<>();
                norm(body, conv(in, width, 1, 1, 1), width, RELU);
                norm(body, conv(width, width, 3, stride, 1), width, RELU);
                norm(body, conv(width, 4 * width, 1, 1, 1), 4 * width, null);
                List<Layer> shortcut = new ArrayList<>();
                if (i == 0) {
                    norm(shortcut, conv(in, 4 * width, 1, stride, 1), 4 * width, null);
                }
                layers.add(new Residual(body, shortcut, false, true));
                layers.add(RELU);
                in = 4 * width;
            }
            module(first);
        }
        layers.add(new AveragePool(1));
        layers.add(new Flatten());
        layers.add(new Linear(in, classes));
    }

    private void mobileNetV2(long classes) {
        long[][] stages = {
            {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}
        };
        norm(layers, conv(3, 32, 3, 2, 1), 32, RELU6);
        long in = 32;
        for (long[] stage : stages) {
            for (long i = 0; i < stage[2]; i++) {
                long wide = in * stage[0];
                long stride = i == 0 ? stage[3] : 1;
                List<Layer> body = new ArrayList<>();
                if (stage[0] != 1) {
                    norm(body, conv(in, wide, 1, 1, 1), wide, RELU6);
                }
                norm(body, conv(wide, wide, 3, stride, wide), wide, RELU6);
                norm(body, conv(wide, stage[1], 1, 1, 1), stage[1], null);
                inverted(body, stride == 1 && in == stage[1], false);
                in = stage[1];
            }
        }
        norm(layers, conv(in, 1280, 1, 1, 1), 1280, RELU6);
        layers.add(new AveragePool(1));
        layers.add(new Flatten());
        layers.add(new Dropout(0.2, false));
        layers.add(new Linear(1280, classes));
    }

    private void inverted(List<Layer> body, boolean residual, boolean inPlace) {
        if (residual) {
            layers.add(new Residual(body, List.of(), false, inPlace));
        } else {
            layers.add(new Module(body));
        }
    }

    private void mobileNetV3(long classes, long last, long[][] settings) {
        norm(layers, conv(3, 16, 3, 2, 1), 16, HARDSWISH);
        long in = 16;
        for (long[] row : settings) {
            long kernel = row[0];
            long wide = row[1];
            long out = row[2];
            Activation activation = row[4] == 1 ? HARDSWISH : RELU;
            List<Layer> body = new ArrayList<>();
            if (wide != in) {
                norm(body, conv(in, wide, 1, 1, 1), wide, activation);
            }
            norm(body, conv(wide, wide, kernel, row[5], wide), wide, activation);
            if (row[3] == 1) {
                body.add(new SqueezeExcitation(wide, divisible(wide / 4.0), true));
            }
            norm(body, conv(wide, out, 1, 1, 1), out, null);
            inverted(body, row[5] == 1 && in == out, true);
            in = out;
        }
        norm(layers, conv(in, 6 * in, 1, 1, 1), 6 * in, HARDSWISH);
        layers.add(new AveragePool(1));
        layers.add(new Flatten());
        layers.add(new Linear(6 * in, last));
        layers.add(HARDSWISH);
        layers.add(new Dropout(0.2, true));
        layers.add(new Linear(last, classes));
    }

    /** {@code _make_divisible(value, 8)}: the nearest multiple of 8 that is not more than a tenth below. */
    static long divisible(double value) {
        long rounded = Math.max(8, (long) (value + 4) / 8 * 8);
        return rounded < 0.9 * value ? rounded + 8 : rounded;
    }

    private void mnasNet(long classes) {
        norm(layers, conv(3, 32, 3, 2, 1), 32, RELU);
        norm(layers, conv(32, 32, 3, 1, 32), 32, RELU);
        norm(layers, conv(32, 16, 1, 1, 1), 16, null);
        long[][] stacks = {
            {24, 3, 2, 3, 3}, {40, 5, 2, 3, 3}, {80, 5, 2, 6, 3}, {96, 3, 1, 6, 2}, {192, 5, 2, 6, 4}, {320, 3, 1, 6, 1}
        };
        long in = 16;
        for (long[] stack : stacks) {
            int first = layers.size();
            for (long i = 0; i < stack[4]; i++) {
                long wide = in * stack[3];
                long stride = i == 0 ? stack[2] : 1;
                List<Layer> body = new ArrayList<>();
                norm(body, conv(in, wide, 1, 1, 1), wide, RELU);
                norm(body, conv(wide, wide, stack[1], stride, wide), wide, RELU);
                norm(body, conv(wide, stack[0], 1, 1, 1), stack[0], null);
                inverted(body, stride == 1 && in == stack[0], false);
                in = stack[0];
            }
            module(first);
        }
        norm(layers, conv(in, 1280, 1, 1, 1), 1280, RELU);
        layers.add(new Mean());
        layers.add(new Dropout(0.2, true));
        layers.add(new Linear(1280, classes));
    }

    private void convNeXt(long classes, double drop, long[] widths, int[] depths) {
        layers.add(new Convolution(3, widths[0], 4, 4, 0, 1, true));
        layers.add(new ChannelNorm(widths[0]));
        int total = 0;
        for (int depth : depths) {
            total += depth;
        }
        int block = 0;
        for (int stage = 0; stage < widths.length; stage++) {
            int first = layers.size();
            for (int i = 0; i < depths[stage]; i++) {
                layers.add(new ConvNeXtBlock(widths[stage], drop * block / (total - 1.0)));
                block++;
            }
            module(first);
            if (stage + 1 < widths.length) {
                layers.add(new Module(List.of(
                        new ChannelNorm(widths[stage]),
                        new Convolution(widths[stage], widths[stage + 1], 2, 2, 0, 1, true))));
            }
        }
        layers.add(new AveragePool(1));
        layers.add(new ChannelNorm(widths[3]));
        layers.add(new Flatten());
        layers.add(new Linear(widths[3], classes));
    }

    private void regNet(long classes, long group, boolean squeeze, long[] widths, int[] depths) {
        norm(layers, conv(3, 32, 3, 2, 1), 32, RELU);
        long in = 32;
        int trunk = layers.size();
        for (int stage = 0; stage < widths.length; stage++) {
            int first = layers.size();
            for (int i = 0; i < depths[stage]; i++) {
                long out = widths[stage];
                long stride = i == 0 ? 2 : 1;
                List<Layer> body = new ArrayList<>();
                norm(body, conv(in, out, 1, 1, 1), out, RELU);
                norm(body, conv(out, out, 3, stride, out / group), out, RELU);
                if (squeeze) {
                    body.add(new SqueezeExcitation(out, Math.round(0.25 * in), false));
                }
                norm(body, conv(out, out, 1, 1, 1), out, null);
                List<Layer> shortcut = new ArrayList<>();
                if (in != out || stride != 1) {
                    norm(shortcut, conv(in, out, 1, stride, 1), out, null);
                }
                layers.add(new Residual(body, shortcut, true, false));
                layers.add(RELU);
                in = out;
            }
            module(first);
        }
        module(trunk);
        layers.add(new AveragePool(1));
        layers.add(new Flatten());
        layers.add(new Linear(in, classes));
    }
}
