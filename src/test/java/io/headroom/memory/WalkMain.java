package io.headroom.memory;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/** Makes and closes arrays for some seconds while another thread reads them all the time. */
public final class WalkMain {
    private WalkMain() {}

    public static void main(String[] args) throws InterruptedException {
        long end = System.nanoTime() + Long.parseLong(args[0]) * 1_000_000_000L;
        NDManager.newBaseManager("PyTorch").ones(new Shape(1)).close();
        Thread reader = new Thread(() -> {
            while (System.nanoTime() < end) {
                LiveArrays.now(false);
            }
        });
        reader.start();
        while (System.nanoTime() < end) {
            try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
                for (int i = 0; i < 50; i++) {
                    manager.ones(new Shape(16));
                }
            }
        }
        reader.join();
        System.out.println("still here");
    }
}
