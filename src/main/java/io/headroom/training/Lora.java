package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.util.Pair;
import io.headroom.units.Bytes;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * LoRA: freezes a model and trains two small matrices beside each of its linear layers.
 *
 * <p>The output is {@code x Wᵀ + b + (α / rank) (x Aᵀ) Bᵀ} with {@code A [rank, in]} random and {@code B [out, rank]}
 * zero, so the model starts as it was (Hu et al. 2021, arXiv 2106.09685). Gradients and optimizer state exist for {@code A}
 * and {@code B} only. In a transformer the attention's four projections get adapters, in any other model every linear layer;
 * a layer used in several places has one adapter for all of them. The model is changed in place, whatever its class; {@link #merge()} and {@link #remove()} put the plain layers back.
 *
 * <pre>{@code
 * model.getBlock().initialize(manager, DataType.FLOAT32, shape);      // or a loaded model
 * Lora lora = Lora.of(model.getBlock(), 8);                           // before the trainer is made
 * EasyTrain.fit(model.newTrainer(config), 3, dataset, null);
 * lora.save(Path.of("adapter.safetensors"));                          // megabytes, not gigabytes
 * lora.merge();                                                       // W + (α / rank) B A, no adapter left
 * }</pre>
 *
 * <p>For one thread; make it before the trainer, since a trainer keeps the parameters it first saw.
 */
public final class Lora {
    private final Block block;
    private final int rank;
    private final Map<String, LoraLinear> adapters = new LinkedHashMap<>();
    private final Map<Parameter, Boolean> trainedBefore = new LinkedHashMap<>();
    private Rewiring rewiring;

    private Lora(Block block, int rank) {
        this.block = block;
        this.rank = rank;
    }

    /** Adapters of a rank, {@code α = rank}: the adapter counts in full. */
    public static Lora of(Block block, int rank) {
        return of(block, rank, rank);
    }

    /**
     * Adapters of a rank and strength.
     *
     * @throws IllegalArgumentException if the block has no linear layers, or the rank is below 1; or above the smaller side of one
     *     of a transformer's projections, or of every linear layer elsewhere (a narrower one alone gets no adapter)
     * @throws IllegalStateException if the block is not initialized, or has adapters already
     */
    public static Lora of(Block block, int rank, float alpha) {
        if (rank < 1) {
            throw new IllegalArgumentException("rank = " + rank + ": a LoRA rank is 1 or more, mostly 4 to 64.");
        }
        if (!(alpha > 0)) {
            throw new IllegalArgumentException("alpha = " + alpha + ": use a number above 0, mostly the rank.");
        }
        if (!block.isInitialized()) {
            throw new IllegalStateException(
                    "the block is not initialized: LoRA adapts weights that exist. Load the model, or"
                            + " call block.initialize(manager, DataType.FLOAT32, shape) first.");
        }
        boolean[] found = {false, false};
        visit("", block, (path, child) -> {
            found[0] |= path.contains("elfAttention") && child instanceof Linear;
            found[1] |= child instanceof LoraLinear;
        });
        if (found[1]) {
            throw new IllegalStateException("the block has LoRA adapters already: merge() or remove() them first.");
        }
        Lora lora = new Lora(block, rank);
        try {
            lora.attach(alpha, found[0]);
        } catch (RuntimeException | Error refused) {
            lora.closeAdapters();
            throw refused;
        }
        return lora;
    }

    /** How many linear layers have an adapter. */
    public int layers() {
        return adapters.size();
    }

    /** How many numbers are trained. */
    public long trainableParameters() {
        return adapters.values().stream()
                .mapToLong(adapter -> adapter.down().getShape().size()
                        + adapter.up().getShape().size())
                .sum();
    }

    /** Bytes of the adapters, which are also the bytes of a saved one. */
    public long bytes() {
        return Bytes.times(
                trainableParameters(),
                adapters.values()
                        .iterator()
                        .next()
                        .down()
                        .getArray()
                        .getDataType()
                        .getNumOfBytes());
    }

    /** Saves the adapters alone, as safetensors; a file of that name is replaced when all is written. */
    public void save(Path file) throws IOException {
        NDList arrays = new NDList();
        adapters.forEach((path, adapter) -> {
            arrays.add(named(adapter.down(), path + ".lora_A"));
            arrays.add(named(adapter.up(), path + ".lora_B"));
        });
        Path whole = file.toAbsolutePath();
        Path part = whole.resolveSibling(whole.getFileName() + ".part");
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(part))) {
                arrays.encode(out, NDList.Encoding.SAFETENSORS);
            }
            Files.move(part, whole, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
            adapters.values().forEach(adapter -> {
                adapter.down().getArray().setName(adapter.down().getName());
                adapter.up().getArray().setName(adapter.up().getName());
            });
        }
    }

    /**
     * Loads adapters saved from the same model.
     *
     * @throws IllegalArgumentException if a layer is missing or of another shape; nothing is changed then
     */
    public void load(Path file) throws IOException {
        NDManager home = adapters.values().iterator().next().down().getArray().getManager();
        try (NDManager manager = home.newSubManager();
                InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            NDList arrays = NDList.decode(manager, in);
            Map<Parameter, NDArray> found = new LinkedHashMap<>();
            adapters.forEach((path, adapter) -> {
                found.put(adapter.down(), matching(arrays, path + ".lora_A", adapter.down(), file));
                found.put(adapter.up(), matching(arrays, path + ".lora_B", adapter.up(), file));
            });
            found.forEach((parameter, array) -> unrecorded(() -> array.copyTo(parameter.getArray())));
        }
    }

    /**
     * Adds each adapter to its layer's weight and takes the adapters away: the model is plain again, and fine-tuned.
     *
     * <p>If it fails in the middle (out of memory), the layers that were merged are taken back to rounding, the adapters stay,
     * and it can be called again.
     */
    public void merge() {
        requireAttached();
        try {
            unrecorded(() -> adapters.values().forEach(LoraLinear::merge));
        } catch (RuntimeException | Error failed) {
            try {
                unmerge();
            } catch (RuntimeException | Error second) {
                failed.addSuppressed(second); // a layer that stays merged does not count its adapter again
            }
            throw failed;
        }
        detach();
    }

    /**
     * Takes the adapters away: the weights are as they were before; batch norm's running statistics, which no adapter holds,
     * stay as training moved them.
     */
    public void remove() {
        requireAttached();
        unmerge();
        detach();
    }

    private void unmerge() {
        unrecorded(() -> adapters.values().forEach(LoraLinear::unmerge));
    }

    @Override
    public String toString() {
        return "LoRA rank " + rank + " on " + layers() + " layers: " + trainableParameters() + " parameters, "
                + Bytes.format(bytes());
    }

    private void attach(float alpha, boolean attentionOnly) {
        rewiring = Rewiring.of(block, (path, child) -> {
            if (!(child instanceof Linear linear) || attentionOnly && !path.contains("elfAttention")) {
                return null;
            }
            long smaller = Math.min(
                    LoraLinear.weight(linear).getShape().get(0),
                    LoraLinear.weight(linear).getShape().get(1));
            if (rank > smaller) {
                if (attentionOnly) {
                    throw new IllegalArgumentException(
                            "rank = " + rank + " is above " + smaller + ", the smaller side of " + path
                                    + ": an adapter of that rank is larger than the matrix. Use 4 to 64.");
                }
                return null;
            }
            LoraLinear adapter = new LoraLinear(linear, rank, alpha);
            adapters.put(path, adapter);
            return adapter;
        });
        if (adapters.isEmpty()) {
            throw new IllegalArgumentException("LoRA needs linear layers at least " + rank + " wide: "
                    + block.getClass().getSimpleName()
                    + (block instanceof Linear
                            ? " is one itself, put it into a SequentialBlock."
                            : " has none. Freeze layers instead: Freezing.allBut(block, \"head\")."));
        }
        for (Pair<String, Parameter> parameter : block.getParameters()) {
            boolean adapter = parameter.getValue().getName().startsWith("lora");
            if (!adapter) {
                trainedBefore.putIfAbsent(
                        parameter.getValue(), parameter.getValue().requiresGradient());
                parameter.getValue().freeze(true);
            }
        }
    }

    private void detach() {
        rewiring.restore();
        rewiring = null;
        trainedBefore.forEach((parameter, trained) -> parameter.freeze(!trained));
        closeAdapters();
    }

    private void closeAdapters() {
        adapters.values().forEach(adapter -> {
            adapter.down().close();
            adapter.up().close();
        });
    }

    private void requireAttached() {
        if (rewiring == null) {
            throw new IllegalStateException(
                    "these adapters were merged or removed already: make new ones with Lora.of.");
        }
    }

    private static NDArray named(Parameter parameter, String name) {
        NDArray array = parameter.getArray();
        array.setName(name);
        return array;
    }

    private static NDArray matching(NDList arrays, String name, Parameter parameter, Path file) {
        NDArray array = arrays.get(name);
        if (array == null || !array.getShape().equals(parameter.getShape())) {
            throw new IllegalArgumentException(file
                    + (array == null ? " has no " + name : ": " + name + " is " + array.getShape())
                    + ", this model needs " + parameter.getShape() + ": it was saved from another model or rank.");
        }
        return array;
    }

    private static void unrecorded(Runnable change) {
        boolean recording = Autograd.recording();
        Autograd.record(false);
        try {
            change.run();
        } finally {
            Autograd.record(recording);
        }
    }

    private static void visit(String path, Block parent, java.util.function.BiConsumer<String, Block> visitor) {
        for (Pair<String, Block> child : parent.getChildren()) {
            String below = path + "/" + child.getKey();
            visitor.accept(below, child.getValue());
            visit(below, child.getValue(), visitor);
        }
    }
}
