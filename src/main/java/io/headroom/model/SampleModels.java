package io.headroom.model;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.OptionalLong;

/**
 * Makes the models the notebooks load: perceptrons with deterministic weights, no hub asked.
 *
 * <p>Three of them, after the first case: {@code age.pt} (TorchScript), {@code cancer-0000.params} and
 * {@code clock-0000.params} (DJL blocks). A file that is already there and whole is left alone.
 *
 * <pre>{@code
 * SampleModels.write(Path.of("models"), 200 * Bytes.MIB);        // age 200 MiB, cancer 100 MiB, clock 100 MiB
 * load("age", Path.of("models/age.pt"));
 * load("cancer", SampleModels.perceptron(100 * Bytes.MIB), Path.of("models/cancer-0000.params"));
 * }</pre>
 */
public final class SampleModels {
    /** Columns of the input all sample models take: {@code (batch, 64)} float32. */
    public static final int FEATURES = 64;

    private static final int OUTPUTS = 1;
    private static final List<String> BLOCKS = List.of("cancer", "clock");

    private SampleModels() {}

    /**
     * {@code SampleModels DIRECTORY [SIZE]} writes the sample models; SIZE is the weight of the largest, {@code "200 MiB"}
     * by default.
     */
    public static void main(String[] args) throws IOException {
        if (args.length < 1 || args.length > 2) {
            System.err.println("usage: SampleModels DIRECTORY [SIZE]");
            System.exit(2);
        }
        write(Path.of(args[0]), args.length == 2 ? Bytes.parse(args[1]) : 200 * Bytes.MIB);
    }

    /**
     * Writes the sample models into a directory, those that are missing or incomplete.
     *
     * @param bytes weight of {@code age.pt}; the two blocks weigh half of it each
     * @throws ModelException if the heap is too small to save blocks of that size
     */
    public static void write(Path directory, long bytes) throws IOException {
        for (String name : BLOCKS) {
            if (!whole(directory.resolve(name + "-0000.params"), bytes / 2)) {
                refuseIfTheHeapIsTooSmall(bytes / 2);
            }
        }
        Files.createDirectories(directory);
        Path age = directory.resolve("age.pt");
        if (!whole(age, bytes)) {
            Path part = directory.resolve("age.pt.part");
            TorchScriptFile.write(part, FEATURES, width(bytes), width(bytes), OUTPUTS);
            Files.move(part, age, StandardCopyOption.REPLACE_EXISTING);
        }
        for (String name : BLOCKS) {
            if (!whole(directory.resolve(name + "-0000.params"), bytes / 2)) {
                save(directory, name, perceptron(bytes / 2));
            }
        }
    }

    /**
     * Writes a TorchScript perceptron of any size into a directory, unless it is there already, and returns its file.
     *
     * @param bytes weight of the float32 parameters, met within a part in a thousand
     */
    public static Path torchScript(Path directory, String name, long bytes) throws IOException {
        if (name == null || !name.matches("[\\w.-]*\\w[\\w.-]*")) {
            throw new IllegalArgumentException(
                    "A sample model cannot be called " + (name == null ? "null" : '"' + name + '"')
                            + ": its name becomes a file's, so give letters, digits, - and _, such as \"age\".");
        }
        Path file = directory.resolve(name + "-" + Bytes.format(bytes).replace(' ', '-') + ".pt");
        if (!whole(file, bytes)) {
            Files.createDirectories(directory);
            Path part = directory.resolve(file.getFileName() + ".part");
            TorchScriptFile.write(part, FEATURES, width(bytes), width(bytes), OUTPUTS);
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }

    /**
     * The block of the sample {@code .params} files: 64 → w → w → 1, as wide as the weight asks for.
     *
     * @param bytes weight of the float32 parameters, met within a part in a thousand
     */
    public static Block perceptron(long bytes) {
        int width = width(bytes);
        return new SequentialBlock()
                .add(Linear.builder().setUnits(width).build())
                .add(Activation::relu)
                .add(Linear.builder().setUnits(width).build())
                .add(Activation::relu)
                .add(Linear.builder().setUnits(OUTPUTS).build());
    }

    /** DJL copies each array onto the heap while saving, and ends the JVM where the heap cannot hold it. */
    private static void refuseIfTheHeapIsTooSmall(long bytes) {
        long heap = Runtime.getRuntime().maxMemory();
        if (bytes > heap / 3) {
            throw new ModelException("Sample models with blocks of " + Bytes.format(bytes)
                    + " cannot be written with a heap of " + Bytes.format(heap)
                    + ": DJL copies weights onto the heap to save them. Start Java with -Xmx"
                    + (3 * (bytes / Bytes.MIB) + 1) + "m, or ask for smaller models.");
        }
    }

    private static void save(Path directory, String name, Block block) throws IOException {
        try (Model model = Model.newInstance(name, "PyTorch");
                NDManager manager = model.getNDManager().newSubManager()) {
            Engine.getEngine("PyTorch").setRandomSeed(name.hashCode());
            block.initialize(manager, DataType.FLOAT32, new Shape(1, FEATURES));
            model.setBlock(block);
            model.setProperty("Epoch", "0");
            model.save(directory, name);
        }
    }

    /** Solves {@code 4 × (w² + (FEATURES + 3) × w) = bytes}. */
    private static int width(long bytes) {
        double b = FEATURES + 3;
        return (int) Math.max(1, Math.round((Math.sqrt(b * b + bytes) - b) / 2));
    }

    private static boolean whole(Path file, long bytes) {
        try {
            OptionalLong found = OptionalLong.of(Weights.of(file).bytes());
            return Math.abs(found.getAsLong() - bytes) <= bytes / 100 + 4096;
        } catch (ModelException e) {
            return false;
        }
    }
}
