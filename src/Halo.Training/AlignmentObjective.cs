using Halo.Core;
using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// Stage 1: for each layer, the mean squared error between the student mixer's output (after Wo) and the teacher attention's, both reading the teacher's
/// own normed hidden states. One teacher pass serves all layers, the teacher's output flows on, so the layers are independent problems; the loss is the sum
/// over layers of each layer's mean over tokens and channels. Extras: <c>relative_error</c>, one figure a layer: its error over the variance of the teacher's output.
/// </summary>
public sealed class AlignmentObjective : IObjective
{
    private readonly CausalLm _teacher;
    private readonly CausalLm _student;
    private readonly HashSet<int> _layers;
    private readonly TrainingOptions _options;

    /// <summary>Pairs the mixers of some layers with the teacher's.</summary>
    /// <param name="teacher">The teacher; not changed.</param>
    /// <param name="student">A model of the teacher's shape whose mixers in <paramref name="layers"/> are trained; its other weights are neither read nor changed.</param>
    /// <param name="layers">0-based layers to train, those to be converted.</param>
    /// <param name="options">The document mask is read.</param>
    /// <exception cref="HaloException">No layers, a layer that does not exist, or hidden sizes that differ.</exception>
    public AlignmentObjective(CausalLm teacher, CausalLm student, IReadOnlyCollection<int> layers, TrainingOptions options)
    {
        if (layers.Count == 0 || layers.Any(layer => layer < 0 || layer >= Math.Min(teacher.Layers.Count, student.Layers.Count)))
        {
            throw new HaloException($"impossible layers to align: {string.Join(", ", layers)}", "layers", $"give layers from 0 to {teacher.Layers.Count - 1}");
        }

        int own = student.Configuration.HiddenSize, other = teacher.Configuration.HiddenSize;
        if (own != other)
        {
            throw new HaloException($"the student has the hidden size {own}, the teacher {other}", "hidden_size", "align models of one hidden size");
        }

        (_teacher, _student, _layers, _options) = (teacher, student, [.. layers], options);
        Trained = [.. _layers.Order().SelectMany(layer => student.Layers[layer].Mixer.Parameters)];
    }

    /// <inheritdoc/>
    public string Name => "alignment";

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Trained { get; }

    /// <inheritdoc/>
    public ScalarType ComputeType => _student.ComputeType;

    /// <summary>Whether backward passes are launched by a second thread; null: where that pays.</summary>
    internal bool? Beside { get; init; }

    /// <inheritdoc/>
    public LossValue Accumulate(TokenBatch micro, double rowsShare)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.From(micro, _teacher.Device, _options.DocumentMask);
        LayerContext teacherContext = _teacher.Context(batch.Inputs_BT, batch.Layout);
        LayerContext studentContext = _student.Context(batch.Inputs_BT, batch.Layout);
        using var backward = new AlignmentBackward(rowsShare, Beside ?? SecondThread.Pays(_student.Device, batch.Labels_N.shape[0] * _student.Configuration.HiddenSize, usual: true));
        Tensor x_BTd = WithoutGradient(() => _teacher.Embed(batch.Inputs_BT));
        int last = _layers.Max();
        for (int layer = 0; layer <= last; layer++)
        {
            using DisposeScope inner = NewDisposeScope();
            DecoderLayer teacher = _teacher.Layers[layer];
            Tensor normed_BTd = WithoutGradient(() => teacher.InputNorm(x_BTd));
            Tensor target_BTd = WithoutGradient(() => teacher.Mixer.Forward(normed_BTd, teacherContext));
            StepClock.Mark(StepPart.TeacherForward);
            if (_layers.Contains(layer))
            {
                Tensor mixed_BTd = _student.Layers[layer].Mixer.Forward(normed_BTd.to(_student.ComputeType), studentContext);
                StepClock.Mark(StepPart.StudentForward);
                backward.Add(mixed_BTd, target_BTd);
                StepClock.Mark(StepPart.Backward);
            }

            Tensor next_BTd = layer == last ? x_BTd : WithoutGradient(() => teacher.AfterMixer(x_BTd, target_BTd));
            if (layer != last)
            {
                x_BTd.Dispose();
                x_BTd = next_BTd.MoveToOtherDisposeScope(scope);
            }
        }

        (Tensor losses, Tensor errors) = backward.Finish();
        Tensor total = losses.sum().MoveToOuterDisposeScope();
        var extras = new Dictionary<string, Tensor> { ["relative_error"] = errors.MoveToOuterDisposeScope() };
        return new LossValue(total, (long)micro.Rows * micro.Length, extras);
    }

    private static Tensor WithoutGradient(Func<Tensor> compute)
    {
        using IDisposable noGradient = no_grad();
        return compute();
    }
}
