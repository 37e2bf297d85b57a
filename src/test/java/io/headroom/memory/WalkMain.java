package io.headroom.memory;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes and closes arrays on several threads for some seconds while another reads them all the time; with {@code ask} it asks
 * the engine, which ends the JVM: four of four times within 2 s, up to 10 s on a slower machine.
 */
public final class WalkMain {
    private static final int CLOSERS = 2;
    /** The fewer there are, the more of the time the reader is where one is being closed. */
    private static final int MADE = 5;

    private WalkMain() {}

    public static void main(String[] args) throws InterruptedException {
        long end = System.nanoTime() + Long.parseLong(args[0]) * 1_000_000_000L;
        boolean ask = args.length > 1 && args[1].equals("ask");
        System.setProperty(ArraySizes.TOLD, "ask");
        NDManager.newBaseManager("PyTorch").ones(new Shape(1)).close();
        NDManager root = ManagerTree.root().orElseThrow();
        List<Thread> threads = new ArrayList<>();
        threads.add(new Thread(() -> {
            while (System.nanoTime() < end) {
                if (ask) {
                    LiveArrays.known(root, new ArraySizes(true, Optional.empty()));
                } else {
                    LiveArrays.now(false);
                }
            }
        }));
        for (int i = 0; i < CLOSERS; i++) {
            threads.add(new Thread(() -> {
                while (System.nanoTime() < end) {
                    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                        for (int made = 0; made < MADE; made++) {
                            manager.ones(new Shape(16));
                        }
                    }
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println("still here");
    }
}
