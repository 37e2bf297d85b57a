package io.headroom.widget;

import java.util.Map;

/**
 * One open comm: a two-way channel between the kernel and a model in the browser.
 *
 * <p>Messages are plain values ({@code String}, {@code Number}, {@code Boolean}, {@code List}, {@code Map}): no JSON
 * library's type crosses this line. {@link #send} may be called from any thread.
 */
public interface Comm {
    /** The comm's id, which is the widget's model id. */
    String id();

    /** Sends one message's data. */
    void send(Map<String, Object> data);

    /** Closes the channel; closing twice does nothing. */
    void close();

    /** What the kernel calls for each message from the browser; it must catch every {@code Throwable} itself. */
    interface Listener {
        void onMessage(Comm comm, Map<String, Object> data);

        /** The channel was closed, by either side. */
        default void onClose(Comm comm) {}
    }

    /** What opens comms: the kernel adapter, or a fake in a test. */
    interface Opener {
        /**
         * Opens a comm.
         *
         * @param target the front end's target, {@code "jupyter.widget"} for widgets
         * @param metadata the message's metadata, {@code {"version": "2.1.0"}} for widgets
         * @param data the opening data, {@code {"state": {...}, "buffer_paths": []}} for widgets
         */
        Comm open(String target, Map<String, Object> metadata, Map<String, Object> data, Listener listener);

        /**
         * Answers comms that the browser opens.
         *
         * @param target the target's name, in place of any listener it had
         */
        void accept(String target, Listener listener);
    }
}
