using Halo.Core;
using Halo.Models;
using Halo.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Training;

/// <summary>
/// Stage 2: KL(teacher || student) over the full vocabulary at temperature 1, mean over all tokens, and a weighted cross-entropy beside it where asked.
/// Extras: <c>kl</c>, and <c>cross_entropy</c> where it has a weight. A checkpoint of this stage holds no teacher.
/// </summary>
public sealed class DistillationObjective : IObjective
{
    private readonly CausalLm _student;
    private readonly CausalLm _teacher;
    private readonly TrainingOptions _options;
    private readonly double _crossEntropyWeight;

    /// <summary>Pairs a student with its teacher; the whole student is trained.</summary>
    /// <param name="student">The student.</param>
    /// <param name="teacher">The teacher, on the same device; not changed.</param>
    /// <param name="options">Document mask, recomputation and loss chunk are read.</param>
    /// <param name="crossEntropyWeight">Weight of next-token cross-entropy beside the KL; the paper has 0.</param>
    /// <exception cref="HaloException">The vocabularies differ.</exception>
    public DistillationObjective(CausalLm student, CausalLm teacher, TrainingOptions options, double crossEntropyWeight = 0)
    {
        int own = student.Configuration.VocabSize, other = teacher.Configuration.VocabSize;
        if (own != other)
        {
            throw new HaloException($"the student has {own} vocabulary entries, the teacher {other}", "vocab_size", "distil between models of one vocabulary");
        }

        (_student, _teacher, _options, _crossEntropyWeight) = (student, teacher, options, crossEntropyWeight);
    }

    /// <summary>Whether teacher and student are launched by two threads; null: where that pays.</summary>
    internal bool? Beside { get; init; }

    /// <inheritdoc/>
    public string Name => _crossEntropyWeight == 0 ? "distillation" : FormattableString.Invariant($"distillation + {_crossEntropyWeight} cross-entropy");

    /// <inheritdoc/>
    public IReadOnlyList<Parameter> Trained => _student.Parameters;

    /// <inheritdoc/>
    public ScalarType ComputeType => _student.ComputeType;

    /// <inheritdoc/>
    public LossValue Accumulate(TokenBatch micro, double rowsShare)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchTensors batch = BatchTensors.From(micro, _student.Device, _options.DocumentMask);
        long tokens = batch.Labels_N.shape[0];
        (Tensor teacher_Nd, HiddenPass pass) = Forward(batch);
        (Tensor divergence, Tensor crossEntropy, Tensor gradient_Nd) = ChunkedLoss.Distillation(
            pass.Hidden_Nd, _student.HeadParameter.Trained, teacher_Nd, _teacher.Head, batch.Labels_N, _crossEntropyWeight, rowsShare / tokens, _options.LossChunk, _student.HeadParameter.WorkingGradient);
        teacher_Nd.Dispose();
        StepClock.Mark(StepPart.Loss);
        pass.Backward(gradient_Nd);
        StepClock.Mark(StepPart.Backward);

        var extras = new Dictionary<string, Tensor> { ["kl"] = divergence.MoveToOuterDisposeScope() };
        Tensor loss = divergence;
        if (_crossEntropyWeight != 0)
        {
            extras["cross_entropy"] = crossEntropy.MoveToOuterDisposeScope();
            loss = (divergence + (crossEntropy * _crossEntropyWeight)).MoveToOuterDisposeScope();
        }

        return new LossValue(loss, tokens, extras);
    }

    private (Tensor Teacher_Nd, HiddenPass Student) Forward(BatchTensors batch)
    {
        if (!(Beside ?? SecondThread.Pays(_student.Device, batch.Labels_N.shape[0] * _student.Configuration.HiddenSize, usual: false)))
        {
            Tensor first_Nd = TeacherHidden(batch);
            StepClock.Mark(StepPart.TeacherForward);
            var alone = new HiddenPass(_student, batch.Inputs_BT, batch.Layout, _options.Recompute);
            StepClock.Mark(StepPart.StudentForward);
            return (first_Nd, alone);
        }

        Task<Tensor> teacher = SecondThread.Run(() => TeacherHidden(batch).DetachFromDisposeScope());
        try
        {
            var pass = new HiddenPass(_student, batch.Inputs_BT, batch.Layout, _options.Recompute);
            return (teacher.GetAwaiter().GetResult(), pass);
        }
        catch
        {
            // The batch is freed by who called: not before the other thread is done with it.
            ((IAsyncResult)teacher).AsyncWaitHandle.WaitOne();
            if (teacher.IsCompletedSuccessfully)
            {
                teacher.Result.Dispose();
            }

            throw;
        }
    }

    private Tensor TeacherHidden(BatchTensors batch)
    {
        using IDisposable noGradient = no_grad();
        using Tensor hidden_BTd = _teacher.Hidden(batch.Inputs_BT, batch.Layout);
        return hidden_BTd.view(-1, hidden_BTd.shape[^1]);
    }
}
