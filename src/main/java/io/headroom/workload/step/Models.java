package io.headroom.workload.step;

import io.headroom.workload.Option;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The layers of the models that are described by sizes, as {@code Workload.newBlock()} builds them. */
final class Models {
    private static final String HEAD = "head";

    private Models() {}

    static List<Layer> layers(Workload work) {
        return switch (work.architecture()) {
            case TRANSFORMER -> transformer(work);
            case MLP -> mlp(work);
            case CNN -> cnn(work);
            case LSTM -> lstm(work);
            case GAT -> gat(work);
            case BLOCK -> block(work);
        };
    }

    /** How many of these are frozen: all in front of the first layer that is trained, by its number. */
    static int frozen(Workload work, String... names) {
        long layers = work.frozenLayers();
        int count = 0;
        while (layers > 0 && !names[count].equals(HEAD) && !names[count].endsWith(" " + (layers + 1))) {
            count++;
        }
        return count;
    }

    private static List<Layer> block(Workload work) {
        try {
            return BlockLayers.of(work.block(), work.inputShapes(1));
        } catch (UnknownBlock e) {
            String optimizer =
                    switch (work.optimizer()) {
                        case ADAM, ADAMW, SGD, MOMENTUM ->
                            work.optimizer().name().toLowerCase(Locale.ROOT) + "()";
                        default -> "OptimizerKind." + work.optimizer();
                    };
            throw new IllegalArgumentException(
                    e.getMessage() + " Measure small steps instead: probe(block, new Shape" + work.inputShape() + ", "
                            + optimizer
                            + "), where block is yours, or budget(…) with the same, tells the peak and the largest batch that fits.",
                    e);
        }
    }

    private static List<Layer> transformer(Workload work) {
        List<Layer> layers = new ArrayList<>();
        long outputs = work.vocab() > 0 ? (work.vocab() - 1) / Sharing.parts(work) + 1 : work.outputs();
        LinearLayer head = new LinearLayer(HEAD, outputs);
        if (work.vocab() > 0) {
            EmbeddingLayer embedding = new EmbeddingLayer(work, outputs);
            layers.add(embedding);
            if (work.flag(Option.TIED)) {
                head = new LinearLayer(HEAD, embedding::table, outputs);
            }
        } else if (work.projectsInput()) {
            layers.add(new LinearLayer("input", work.dModel()));
        }
        for (long i = 1; i <= work.layers(); i++) {
            layers.add(new EncoderLayer("layer " + i, work));
        }
        layers.add(head);
        return layers;
    }

    private static List<Layer> mlp(Workload work) {
        List<Layer> layers = new ArrayList<>();
        for (long i = 1; i <= work.layers(); i++) {
            layers.add(new LinearLayer("layer " + i, work.dModel()));
            layers.add(SimpleLayer.activation("relu"));
            if (work.dropout() > 0) {
                layers.add(SimpleLayer.dropout(work.dropout()));
            }
        }
        layers.add(new LinearLayer(HEAD, work.outputs()));
        return layers;
    }

    private static List<Layer> cnn(Workload work) {
        List<Layer> layers = new ArrayList<>();
        long channels = work.dModel();
        for (long i = 1; i <= work.layers(); i++) {
            long[] one = {1, 1};
            layers.add(new ConvLayer("conv " + i, channels, new long[] {3, 3}, one, one, one, 1, true));
            layers.add(NormLayer.batch(1));
            layers.add(SimpleLayer.activation("relu"));
            layers.add(SimpleLayer.maxPool(in -> new long[] {in[0], in[1], in[2] / 2, in[3] / 2}));
            channels = Math.multiplyExact(channels, 2);
        }
        layers.add(SimpleLayer.globalAvgPool());
        layers.add(new LinearLayer(HEAD, work.outputs()));
        return layers;
    }

    private static List<Layer> gat(Workload work) {
        List<Layer> layers = new ArrayList<>();
        for (long i = 1; i <= work.layers(); i++) {
            layers.add(new GraphLayer("layer " + i, work, i == 1));
        }
        layers.add(new LinearLayer(HEAD, work.outputs()));
        return layers;
    }

    private static List<Layer> lstm(Workload work) {
        return List.of(
                new LstmLayer(work.dModel(), work.layers(), work.dropout()),
                SimpleLayer.last(),
                new LinearLayer(HEAD, work.outputs()));
    }
}
